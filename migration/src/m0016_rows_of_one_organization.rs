//! On PostgreSQL a row can only refer to rows of its own organization: the organization is part of its foreign keys.
//!
//! This is stronger than one key to the other row and another to the organization, and it saves one check per row. The saved
//! check locked the organization's row, on which all writers of the organization met. An event needs no key to the organization,
//! because its organization is that of its subject, which is written in the same transaction.
//!
//! SQLite cannot change a table's keys without rewriting the table, and has a single writer, so its keys stay as they were.
//! New tables should declare `foreign key (organization_id, account_id) references account (organization_id, id)` on both.

crate::change! {
    up: [
        "drop index member_id",
        "create unique index member_id on member (organization_id, id)",
        "drop index account_id",
        "create unique index account_id on account (organization_id, id)",
        "drop index contact_id",
        "create unique index contact_id on contact (organization_id, id)",
        "drop index touch_id",
        "create unique index touch_id on touch (organization_id, id)",
        "drop index criterion_id",
        "create unique index criterion_id on criterion (organization_id, id)",
        "drop index one_on_one_id",
        "create unique index one_on_one_id on one_on_one (organization_id, id)",
        "drop index plan_id",
        "create unique index plan_id on plan (organization_id, id)",
        // Prepends the organization's column to every foreign key to such a table; the key keeps its name.
        "postgres:do $$
            declare
                one record;
            begin
                for one in
                    select key.conname as name, key.conrelid::regclass as child, refers.attname as refers, key.confrelid::regclass as parent
                    from pg_constraint key
                    join pg_attribute refers on refers.attrelid = key.conrelid and refers.attnum = key.conkey[1]
                    where key.contype = 'f' and array_length(key.conkey, 1) = 1 and key.confrelid in (
                        'member'::regclass, 'account'::regclass, 'contact'::regclass, 'touch'::regclass,
                        'criterion'::regclass, 'one_on_one'::regclass, 'plan'::regclass
                    )
                loop
                    execute format(
                        'alter table %s drop constraint %I, add constraint %I foreign key (organization_id, %I)
                            references %s (organization_id, id)',
                        one.child, one.name, one.name, one.refers, one.parent
                    );
                end loop;
                -- And where one is never null, it tells the organization.
                for one in
                    select key.conname as name, key.conrelid::regclass as child
                    from pg_constraint key
                    where key.contype = 'f' and key.confrelid = 'organization'::regclass and exists (
                        select from pg_constraint other
                        join pg_attribute refers on refers.attrelid = other.conrelid and refers.attnum = other.conkey[2]
                        where other.conrelid = key.conrelid and other.contype = 'f' and refers.attnotnull
                    )
                loop
                    execute format('alter table %s drop constraint %I', one.child, one.name);
                end loop;
            end
        $$",
        "postgres:alter table event drop constraint event_organization_id_fkey",
    ],
    down: [
        "postgres:do $$
            declare
                one record;
            begin
                for one in
                    select key.conname as name, key.conrelid::regclass as child, refers.attname as refers, key.confrelid::regclass as parent
                    from pg_constraint key
                    join pg_attribute refers on refers.attrelid = key.conrelid and refers.attnum = key.conkey[2]
                    where key.contype = 'f' and array_length(key.conkey, 1) = 2
                loop
                    execute format(
                        'alter table %s drop constraint %I, add constraint %I foreign key (%I) references %s (id)',
                        one.child, one.name, one.name, one.refers, one.parent
                    );
                end loop;
                for one in
                    select of_organization.attrelid::regclass as child, of_organization.attrelid::regclass || '_organization_id_fkey' as name
                    from pg_attribute of_organization
                    join pg_class on pg_class.oid = of_organization.attrelid and pg_class.relkind = 'r'
                        and pg_class.relnamespace = current_schema()::regnamespace
                    where of_organization.attname = 'organization_id' and not exists (
                        select from pg_constraint other
                        where other.conrelid = of_organization.attrelid and other.contype = 'f'
                            and other.confrelid = 'organization'::regclass
                    )
                loop
                    execute format(
                        'alter table %s add constraint %I foreign key (organization_id) references organization (id)',
                        one.child, one.name
                    );
                end loop;
            end
        $$",
        "drop index plan_id",
        "create index plan_id on plan (organization_id, id)",
        "drop index one_on_one_id",
        "create index one_on_one_id on one_on_one (organization_id, id)",
        "drop index criterion_id",
        "create index criterion_id on criterion (organization_id, id)",
        "drop index touch_id",
        "create index touch_id on touch (organization_id, id)",
        "drop index contact_id",
        "create index contact_id on contact (organization_id, id)",
        "drop index account_id",
        "create index account_id on account (organization_id, id)",
        "drop index member_id",
        "create index member_id on member (organization_id, id)",
    ],
}
