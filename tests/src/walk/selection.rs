//! Selections of all fields of a type, to some depth.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::schema::{Field, Schema, Type};

/// The page size of all lists in a selection, which limits the cost of a request.
const FIRST: usize = 5;

/// Writes selections and records the selected fields.
#[derive(Debug, Default)]
pub struct Selections {
    /// The fields selected so far, as `Type.field`.
    pub seen: BTreeSet<String>,
}

impl Selections {
    /// Returns the selection set of a type: its scalar fields, and its objects down to `depth`. Connections and edges
    /// do not count as a level. Fields that need arguments are left out.
    pub fn all(&mut self, schema: &Schema, of: &Type, depth: usize) -> String {
        if of.kind == "INTERFACE" || of.kind == "UNION" {
            // Fields of the same name in two objects may have different types, which cannot be merged.
            let members = of.members.iter().map(|member| format!(" ... on {member} {{ id }}"));
            return format!("{{ __typename{} }}", members.collect::<String>());
        }
        let mut text = "{ __typename".to_owned();
        for field in of.fields.iter().filter(|field| !field.needs_arguments()) {
            // They are the rows of `edges`.
            if of.is_connection() && field.name == "nodes" {
                self.seen.insert(format!("{}.nodes", of.name));
                continue;
            }
            let below = schema.named_type(&field.of);
            let free = of.is_connection() || of.name.ends_with("Edge");
            if !below.is_composite() {
                let _ = write!(text, " {}", field.name);
            } else if free || depth > 0 || below.fields.iter().all(|field| !schema.named_type(&field.of).is_composite())
            {
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
