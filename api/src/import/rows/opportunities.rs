//! Opportunities.

use super::{Prepared, ReadContext, Reader, external_id_text};
use crate::import::{
    bind::Binding,
    map::{Mapping, meaning},
    presets::Field,
    read::Record,
    target::{Date, MaybeUndefined, OpportunityRowInput, Stage, UserErrorCode},
};

/// Reads an opportunity. Its key is its id, else its name.
#[must_use]
pub fn opportunity(
    context: &ReadContext,
    binding: &Binding,
    file: usize,
    record: &Record,
) -> Prepared<OpportunityRowInput> {
    let mut reader = Reader::new(context, binding, record);
    let key = key_of(context.mapping, binding, record);
    let external_id = key.as_deref().map(|id| reader.external(id));
    if external_id.is_none() {
        reader.fault(UserErrorCode::Required, Field::Id.name(), "has neither an id nor a name".to_owned());
    }
    let account = reader.account_or_default();
    let stage = stage(&mut reader);
    let closed = matches!(stage, MaybeUndefined::Value(Stage::Won | Stage::Lost));
    let close_on = reader.day(Field::CloseOn);
    let or_close = |given: MaybeUndefined<_>, applies: bool| {
        if given.is_undefined() && applies { close_on } else { given }
    };
    let ended_on = or_close(reader.day(Field::ClosedOn), closed);
    let expected_close_on = or_close(reader.day(Field::ExpectedCloseOn), !closed);
    let mut opened_on = reader.day(Field::OpenedOn);
    if context.mapping.habits.opened_when_recorded {
        let ends = [close_on, ended_on].into_iter().filter_map(MaybeUndefined::take).map(|day| day.0).min();
        if let (MaybeUndefined::Value(opened), Some(end)) = (&opened_on, ends) {
            opened_on = MaybeUndefined::Value(Date(opened.0.min(end)));
        }
    }
    // A closed one's probability follows from its stage.
    let probability = reader.whole_with(Field::Probability, &["%"]);
    let row = external_id.map(|external_id| OpportunityRowInput {
        external_id: MaybeUndefined::Value(external_id),
        account,
        name: reader.text(Field::Name),
        amount: reader.amount(Field::Amount),
        stage,
        probability: if closed { MaybeUndefined::Undefined } else { probability },
        opened_on,
        expected_close_on,
        closed_on: if closed { ended_on } else { MaybeUndefined::Undefined },
        loss_reason: reader.text(Field::LossReason),
        owner_email: reader.owner(),
        custom_fields: reader.custom(),
        ..OpportunityRowInput::default()
    });
    reader.finish(file, key, row)
}

/// Returns the key of an opportunity.
pub(super) fn key_of(mapping: &Mapping, binding: &Binding, record: &Record) -> Option<String> {
    let (_, id) = binding.cell(record, Field::Id).or_else(|| binding.cell(record, Field::Name))?;
    Some(external_id_text(mapping, id))
}

/// Reads the stage. A status of won or lost takes precedence, since a closed deal may keep its last stage.
fn stage(reader: &mut Reader) -> MaybeUndefined<Stage> {
    let ended =
        reader.raw(Field::Status).and_then(|status| meaning(status, &[("won", Stage::Won), ("lost", Stage::Lost)]));
    if let Some(stage) = ended {
        return MaybeUndefined::Value(stage);
    }
    let known = &reader.context.mapping.stages;
    reader.read(Field::Stage, |cell| {
        meaning(cell, known).ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(|(word, _)| word.as_str()).collect();
            format!("“{cell}” is no stage that is known here; known are {}; map it with --map", known.join(", "))
        })
    })
}
