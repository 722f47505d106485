//! Selections of all fields of a type, to some depth.

use std::collections::BTreeSet;

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
        format!("{{ {} }}", self.fields(schema, of, depth).join(" "))
    }

    /// Returns the fields of the same selection set, each with what is selected of it.
    pub fn fields(&mut self, schema: &Schema, of: &Type, depth: usize) -> Vec<String> {
        let mut fields = vec!["__typename".to_owned()];
        if of.kind == "INTERFACE" || of.kind == "UNION" {
            // Fields of the same name in two objects may have different types, which cannot be merged.
            fields.extend(of.members.iter().map(|member| format!("... on {member} {{ id }}")));
            return fields;
        }
        for field in of.fields.iter().filter(|field| !field.needs_arguments()) {
            // They are the rows of `edges`.
            if of.is_connection() && field.name == "nodes" {
                self.seen.insert(format!("{}.nodes", of.name));
                continue;
            }
            let below = schema.named_type(&field.of);
            let free = of.is_connection() || of.name.ends_with("Edge");
            if !below.is_composite() {
                fields.push(field.name.clone());
            } else if free || depth > 0 || below.fields.iter().all(|field| !schema.named_type(&field.of).is_composite())
            {
                let selection = self.all(schema, below, if free { depth } else { depth.saturating_sub(1) });
                fields.push(format!("{}{}{selection}", field.name, Self::few(field)));
            } else {
                continue;
            }
            self.seen.insert(format!("{}.{}", of.name, field.name));
        }
        fields
    }

    fn few(field: &Field) -> String {
        if field.arguments.iter().any(|argument| argument.name == "first") {
            return format!("(first: {FIRST}) ");
        }
        " ".to_owned()
    }
}
