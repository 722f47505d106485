//! Organizations, members, sessions and invitations.

crate::change! {
    up: [
        "create table organization (
            id {uuid} not null primary key,
            name {text} not null,
            currency {text} not null,
            time_zone {text} not null,
            fiscal_year_start_month {int} not null check (fiscal_year_start_month between 1 and 12),
            key_account_threshold {long},
            presence_half_life_days {float} not null,
            presence_threshold {float} not null,
            selling_share {float} not null,
            target_share {float} not null,
            key_people_per_target {int} not null,
            big_blank_minutes {int} not null,
            pipeline_margin {float} not null,
            target_band_low {float} not null,
            target_band_high {float} not null,
            erasure_key {bytes} not null,
            created_at {long} not null,
            version {int} not null
        )",
        "create table member (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            name {text} not null,
            name_key {text} not null,
            email {text} not null,
            role {text} not null check (role in ('SELLER', 'MANAGER', 'ADMIN')),
            title {text},
            time_zone {text} not null,
            manager_id {uuid} references member (id),
            working_hours {text} not null,
            active {bool} not null,
            created_at {long} not null,
            updated_at {long} not null,
            version {int} not null
        )",
        "create unique index member_email on member (organization_id, email)",
        "create index member_id on member (organization_id, id)",
        "create index member_manager on member (organization_id, manager_id, id)",
        "create index member_updated on member (organization_id, updated_at, id)",
        // A sign-in looks members up by their address alone.
        "create index member_sign_in on member (email)",
        "create table credential (
            user_id {uuid} not null primary key references member (id),
            organization_id {uuid} not null references organization (id),
            password_hash {text},
            invitation_digest {bytes},
            invitation_expires_at {long}
        )",
        "create unique index credential_invitation on credential (invitation_digest)",
        "create table session (
            id {uuid} not null primary key,
            organization_id {uuid} not null references organization (id),
            user_id {uuid} not null references member (id),
            created_at {long} not null,
            ended_at {long}
        )",
        "create index session_of_user on session (organization_id, user_id)",
        "create table refresh_token (
            digest {bytes} not null primary key,
            organization_id {uuid} not null references organization (id),
            session_id {uuid} not null references session (id),
            issued_at {long} not null,
            expires_at {long} not null,
            used_at {long}
        )",
        "create index refresh_token_session on refresh_token (session_id)",
    ],
    down: [
        "drop table refresh_token",
        "drop table session",
        "drop table credential",
        "drop table member",
        "drop table organization",
    ],
}
