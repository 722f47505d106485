//! Rules about the names, uses and cycles of fragments.

use super::{Uses, Validation};
use crate::ast::Fragment;
use crate::error::cut;
use crate::schema::TypeId;

/// The progress of a search for cycles in one fragment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Waiting,
    Started,
    Done,
}

impl<'d> Validation<'d> {
    /// Checks that operations and fragments have names of their own, and that an operation without a name is the only one.
    pub(super) fn unique_definitions(&mut self) {
        let operations = &self.document.operations;
        let names: Vec<_> = operations.iter().filter_map(|operation| operation.name).collect();
        self.unique(names.into_iter(), |name| format!("There are two operations named `{}`.", cut(name)));
        let fragments = &self.document.fragments;
        self.unique(fragments.iter().map(|fragment| fragment.name), |name| {
            format!("There are two fragments named `{}`.", cut(name))
        });
        if operations.len() > 1 {
            for operation in operations.iter().filter(|operation| operation.name.is_none()) {
                self.error("Where there are several operations, each must have a name.", [operation.position]);
            }
        }
    }

    /// Checks a fragment and returns what it uses.
    pub(super) fn fragment(&mut self, fragment: &'d Fragment<'d>) -> Uses<'d> {
        let mut uses = Uses::default();
        if self.is_full() {
            return uses;
        }
        let on = self.type_condition(fragment.on);
        self.directives(&fragment.directives, "FRAGMENT_DEFINITION", &mut uses);
        self.selection_set(&fragment.selections, on, &mut uses);
        uses
    }

    /// Returns the type of a fragment, which must be an object, an interface or a union.
    pub(super) fn type_condition(&mut self, on: crate::ast::Ident<'d>) -> Option<TypeId> {
        let id = self.known_type(on)?;
        if self.schema.is_composite(id) {
            return Some(id);
        }
        let message = format!("A fragment must be on an object, an interface or a union; `{}` has no fields.", on.text);
        self.error(message, [on.position]);
        None
    }

    /// Reports fragments that no operation reaches.
    pub(super) fn unused_fragments(&mut self, reached: &[bool]) {
        // With too many errors, not all operations were looked at.
        if self.is_full() {
            return;
        }
        for (number, fragment) in self.document.fragments.iter().enumerate() {
            // Of fragments with the same name, only the first one is reached; the others are reported already.
            if !reached[number] && self.fragments.get(fragment.name.text) == Some(&number) {
                let message = format!("The fragment `{}` is not used.", cut(fragment.name.text));
                self.error(message, [fragment.position]);
            }
        }
    }

    /// Reports fragments that spread themselves, once for each cycle.
    pub(super) fn cycles(&mut self, uses: &[Uses<'d>]) {
        let mut progress = vec![Progress::Waiting; uses.len()];
        for number in 0..uses.len() {
            self.cycle(number, uses, &mut progress);
        }
    }

    /// The recursion ends: the limits allow no chain of more than a few fragments.
    fn cycle(&mut self, number: usize, uses: &[Uses<'d>], progress: &mut [Progress]) {
        if progress[number] != Progress::Waiting {
            return;
        }
        progress[number] = Progress::Started;
        for spread in &uses[number].spreads {
            let Some(&next) = self.fragments.get(spread.text) else { continue };
            if progress[next] == Progress::Started {
                let message = format!(
                    "The fragment `{}` must not spread itself, directly or through other fragments.",
                    cut(spread.text)
                );
                self.error(message, [self.document.fragments[next].position, spread.position]);
            } else {
                self.cycle(next, uses, progress);
            }
        }
        progress[number] = Progress::Done;
    }
}
