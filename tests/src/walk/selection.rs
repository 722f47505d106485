//! What is asked of an answer: everything, to some depth.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::schema::{Field, Schema, Type};

/// Items of every list on the way, so that a question stays cheap.
const FIRST: usize = 5;

/// Writes selections, and remembers what was selected.
#[derive(Debug, Default)]
pub struct Selections {
    /// The fields selected so far, as `Type.field`.
    pub seen: BTreeSet<String>,
}

impl Selections {
    /// The fields of a type in braces: plain ones, and objects as long as there is depth left. Pages of lists cost no
    /// depth. Fields that need arguments are left out.
    pub fn all(&mut self, schema: &Schema, of: &Type, depth: usize) -> String {
        if of.kind == "INTERFACE" || of.kind == "UNION" {
            // Two objects may have fields of one name and different types; what a node is called tells enough.
            let members = of.members.iter().map(|member| format!(" ... on {member} {{ id }}"));
            return format!("{{ __typename{} }}", members.collect::<String>());
        }
        let mut text = "{ __typename".to_owned();
        for field in of.fields.iter().filter(|field| !field.needs_arguments()) {
            // The same rows again.
            if of.is_connection() && field.name == "nodes" {
                self.seen.insert(format!("{}.nodes", of.name));
                continue;
            }
            let below = schema.below(&field.of);
            let free = of.is_connection() || of.name.ends_with("Edge");
            if !below.is_composite() {
                let _ = write!(text, " {}", field.name);
            } else if free || depth > 0 || below.fields.iter().all(|field| !schema.below(&field.of).is_composite()) {
                let _ = write!(text, " {}{}", field.name, Self::few(field));
                let below = self.all(schema, below, if free { depth } else { depth.saturating_sub(1) });
                text.push_str(&below);
            } else {
                continue;
            }
            self.seen.insert(format!("{}.{}", of.name, field.name));
        }
        text.push_str(" }");
        text
    }

    fn few(field: &Field) -> String {
        if field.arguments.iter().any(|argument| argument.name == "first") {
            return format!("(first: {FIRST}) ");
        }
        " ".to_owned()
    }
}
