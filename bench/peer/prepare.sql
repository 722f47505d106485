-- Prepares the database for PostGraphile: default ids of new touches, and the amount an account booked this year.
alter table touch alter column id set default gen_random_uuid();
create or replace function account_booked(a account) returns bigint language sql stable as $$
    select coalesce(sum(amount), 0)::bigint from booking
    where organization_id = a.organization_id and account_id = a.id and booked_on between 20454 and 20818
$$;
