//! The types of events, `noun.what`: the noun that an event is about, and what happened to it.

/// Every noun with events, and the names of its events.
pub const TYPES: &[(&str, &[&str])] = &[
    ("account", &["created", "updated", "archived", "restored", "team_changed", "assessed"]),
    ("booking", &["created", "updated", "deleted"]),
    ("contact", &["created", "updated", "archived", "restored", "erased"]),
    ("criterion", &["created", "updated", "archived"]),
    ("goal", &["proposed", "seconded", "agreed", "withdrawn", "deleted", "reached", "unreached"]),
    ("listreview", &["created"]),
    ("oneonone", &["scheduled", "updated", "held"]),
    ("opportunity", &["created", "updated", "won", "lost", "deleted"]),
    ("organization", &["created", "updated"]),
    (
        "plan",
        &[
            "created",
            "updated",
            "given",
            "deleted",
            "closed",
            "objective_added",
            "objective_updated",
            "objective_removed",
            "action_added",
            "action_updated",
            "action_done",
            "action_moved",
            "action_removed",
            "benchmark_added",
            "benchmark_updated",
            "benchmark_removed",
            "measured",
            "relationship_set",
            "relationship_removed",
            "question_asked",
            "question_updated",
            "question_answered",
            "question_removed",
            "committed",
            "cosigned",
            "reviewed",
        ],
    ),
    ("promise", &["created", "updated", "kept", "deleted"]),
    ("snooze", &["created", "updated", "deleted"]),
    ("target", &["proposed", "seconded", "agreed", "declined", "withdrawn", "updated", "moved", "won", "dropped"]),
    ("touch", &["created", "updated", "completed", "canceled", "deleted"]),
    ("triggerevent", &["created", "updated", "resolved"]),
    ("user", &["created", "updated", "deactivated", "reactivated", "calendar_feed_created", "calendar_feed_revoked"]),
];

/// Whether `text` is an event type.
#[must_use]
pub fn is_type(text: &str) -> bool {
    let of = |noun: &str| TYPES.iter().find(|(known, _)| *known == noun);
    text.split_once('.').is_some_and(|(noun, what)| of(noun).is_some_and(|(_, all)| all.contains(&what)))
}

/// Returns a sentence with the valid types in place of an unknown one: those of its noun, or else the nouns.
#[must_use]
pub fn instead(text: &str) -> String {
    let noun = text.split_once('.').map_or(text, |(noun, _)| noun);
    if let Some((_, all)) = TYPES.iter().find(|(known, _)| *known == noun) {
        return format!("The events of {noun} are {}.", all.join(", "));
    }
    let nouns: Vec<&str> = TYPES.iter().map(|(noun, _)| *noun).collect();
    format!("The nouns with events are {}.", nouns.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_a_noun_and_the_name_of_one_of_its_events() {
        for (noun, all) in TYPES {
            for what in *all {
                assert!(is_type(&format!("{noun}.{what}")), "{noun}.{what}");
            }
        }
        for text in ["", "account", "account.", ".created", "account.created.", "account.won", "nonsense.created"] {
            assert!(!is_type(text), "{text}");
        }
        assert!(instead("account.won").contains("of account are created, updated"));
        assert!(instead("nonsense").starts_with("The nouns with events are account, booking"));
    }

    #[test]
    fn the_docs_list_every_type() {
        let docs = include_str!("../../../docs/events.md");
        for (noun, all) in TYPES {
            let all: Vec<String> = all.iter().map(|what| format!("`{what}`")).collect();
            let line = format!("| `{noun}` | {} |", all.join(", "));
            assert!(docs.lines().any(|text| text == line), "{line}");
        }
    }
}
