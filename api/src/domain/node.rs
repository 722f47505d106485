//! Nodes of any type by their ids.

use std::collections::HashMap;

use entity::Id;
use uuid::Uuid;

use crate::domain::account::Account;
use crate::domain::booking::Booking;
use crate::domain::contact::Contact;
use crate::domain::criterion::Criterion;
use crate::domain::event::Event;
use crate::domain::goal::Goal;
use crate::domain::opportunity::Opportunity;
use crate::domain::organization::Organization;
use crate::domain::plan::Plan;
use crate::domain::plan::action::Action;
use crate::domain::plan::benchmark::Benchmark;
use crate::domain::plan::commitment::Commitment;
use crate::domain::plan::objective::Objective;
use crate::domain::plan::question::Question;
use crate::domain::plan::relationship::PlannedRelationship;
use crate::domain::plan::review::Review;
use crate::domain::promise::ClientPromise;
use crate::domain::targeting::Target;
use crate::domain::targeting::one_on_one::OneOnOne;
use crate::domain::touch::Touch;
use crate::domain::trigger_event::TriggerEvent;
use crate::domain::user::User;
use crate::error::Result;
use crate::graphql::{AbstractBatch, AnyNode, Batch, FieldContext};

/// Resolves the node of each id: null if it does not exist or the caller does not see it. The number of statements
/// depends on the number of types, not on the number of ids.
pub async fn nodes_of(field: &FieldContext<'_>, ids: &[(&str, Uuid)]) -> Result<Batch<Option<AnyNode>>> {
    let ctx = field.request;
    let mut nodes = AbstractBatch::new(ids.len());
    // Sets the nodes of one type.
    macro_rules! part {
        ($prefix:expr, $ids:ident => $fetch:expr) => {
            let positions: Vec<usize> = ids
                .iter()
                .enumerate()
                .filter(|(_, (noun, _))| *noun == $prefix)
                .map(|(position, _)| position)
                .collect();
            if !positions.is_empty() {
                let $ids: Vec<Uuid> = positions.iter().map(|position| ids[*position].1).collect();
                let found: HashMap<Uuid, _> = $fetch;
                let rows: Vec<Option<&_>> = $ids.iter().map(|id| found.get(id)).collect();
                nodes.set(&positions, &field.optional_objects(&rows).await?);
            }
        };
    }
    macro_rules! nouns {
        ($($id:ident => $noun:ty),* $(,)?) => {$(
            part!(entity::$id::PREFIX, wanted => <$noun>::fetch(ctx, wanted.iter().map(|id| entity::$id(*id))).await?.into_iter().map(|(id, row)| (id.uuid(), row)).collect());
        )*};
    }
    nouns! {
        AccountId => Account, ContactId => Contact, UserId => User, EventId => Event, TouchId => Touch, OpportunityId => Opportunity,
        BookingId => Booking, CriterionId => Criterion, TargetId => Target, OneOnOneId => OneOnOne, GoalId => Goal,
        PlanId => Plan, PlannedRelationshipId => PlannedRelationship, ObjectiveId => Objective, ActionId => Action,
        BenchmarkId => Benchmark, QuestionId => Question, CommitmentId => Commitment, ReviewId => Review,
        PromiseId => ClientPromise, TriggerEventId => TriggerEvent,
    }
    part!(entity::OrganizationId::PREFIX, wanted => wanted.iter().filter_map(|id| Some((*id, Organization::own(ctx, *id)?))).collect());
    Ok(nodes.finish())
}
