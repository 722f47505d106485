//! What a file's columns mean: a preset, a `--map FILE`, or a preset changed by one.
//!
//! A map is TOML:
//!
//! ```toml
//! source = "erp"             # what external ids are filed under; the word after --from where left out
//! date-order = "dmy"         # 4/3/2017 is 4 March; needed only where the dates allow both
//! decimal-comma = true       # 1.234,50
//! accounts-by-name = true    # accounts have no id but their name
//!
//! [columns]                  # our field = the file's title, or several of which the first that is not empty counts
//! id = "Customer No."
//! name = "Customer"
//! phone = ["Phone", "Mobile"]
//!
//! [units]                    # what 1 in the column is
//! annualRevenue = 1_000_000
//!
//! [custom]                   # free field = title
//! foundedIn = "Founded"
//!
//! [stages]                   # the file's stage = ours
//! "Quote sent" = "PROPOSED"
//!
//! [touch-kinds]              # the file's kind = ours, or NONE for what is no touch
//! "Coffee" = "MEETING"
//! ```

use std::{collections::BTreeMap, fs, path::Path};

use rust_decimal::Decimal;

use super::{
    presets::{self, Field, Habits, Kind, OWN_STAGES, OWN_TOUCH_KINDS, PLAIN, Preset},
    read::Refusal,
    target::{Stage, TouchKind},
    values::{DateOrder, DecimalMark, bare},
};

/// What the columns of one kind of file mean.
#[derive(Debug, Clone)]
pub struct Mapping {
    /// The source of external ids.
    pub source: String,
    /// For each field the titles, best first.
    pub columns: Vec<(Field, Vec<String>)>,
    /// Free fields: title, name.
    pub custom: Vec<(String, String)>,
    /// Stages by their bare words; the system's own first.
    pub stages: Vec<(String, Stage)>,
    /// Kinds of touches by their bare words; none for what is no touch.
    pub touch_kinds: Vec<(String, Option<TouchKind>)>,
    /// What 1 in a column is.
    pub units: BTreeMap<Field, Decimal>,
    /// Declared for every date column.
    pub date_order: Option<DateOrder>,
    /// Declared for every column of numbers.
    pub decimal_mark: Option<DecimalMark>,
    /// How the system's data is read.
    pub habits: Habits,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct MapFile {
    source: Option<String>,
    date_order: Option<DateOrder>,
    decimal_comma: Option<bool>,
    accounts_by_name: Option<bool>,
    #[serde(default)]
    columns: BTreeMap<String, OneOrMore>,
    #[serde(default)]
    units: BTreeMap<String, toml::Value>,
    #[serde(default)]
    custom: BTreeMap<String, String>,
    #[serde(default)]
    stages: BTreeMap<String, String>,
    #[serde(default)]
    touch_kinds: BTreeMap<String, String>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

/// Returns what `--from` and `--map` mean for files of a kind.
///
/// # Errors
/// An unknown source without a map, a source that has no such kind, and a map that cannot be read.
pub fn mapping(from: &str, map: Option<&Path>, kind: Kind) -> Result<Mapping, Refusal> {
    let preset = presets::ALL.iter().find(|preset| preset.source == from);
    let Some(path) = map else {
        let preset = preset.ok_or_else(|| {
            let known: Vec<_> = presets::ALL.iter().map(|preset| preset.source).collect();
            Refusal(format!(
                "--from {from}: is no known source; known are {}; any other needs --map FILE",
                known.join(", ")
            ))
        })?;
        return of_preset(preset, kind).ok_or_else(|| {
            Refusal(format!("--from {from}: has no {}; say what the columns mean with --map FILE", kind.word()))
        });
    };
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| Refusal(format!("{name}: cannot be read: {error}")))?;
    let base = preset.and_then(|preset| of_preset(preset, kind)).unwrap_or_else(|| plain(from, preset.copied()));
    with_map(base, &text, kind).map_err(|reason| Refusal(format!("{name}: {reason}")))
}

fn of_preset(preset: &Preset, kind: Kind) -> Option<Mapping> {
    let (_, columns) = preset.columns.iter().find(|(of, _)| *of == kind)?;
    let columns = columns
        .iter()
        .map(|(field, titles)| (*field, titles.iter().map(|title| (*title).to_owned()).collect()))
        .collect();
    let custom = preset
        .custom
        .iter()
        .filter(|(of, _, _)| *of == kind)
        .map(|(_, title, name)| ((*title).to_owned(), (*name).to_owned()))
        .collect();
    Some(Mapping { columns, custom, ..plain(preset.source, Some(preset)) })
}

/// Returns the mapping of a source of which only our own words are known.
fn plain(source: &str, preset: Option<&Preset>) -> Mapping {
    let (stages, kinds, habits) =
        preset.map_or((&[][..], &[][..], PLAIN), |preset| (preset.stages, preset.touch_kinds, preset.habits));
    let mut units = BTreeMap::new();
    if habits.revenue_unit != 1 {
        units.insert(Field::AnnualRevenue, Decimal::from(habits.revenue_unit));
    }
    Mapping {
        source: source.to_owned(),
        columns: Vec::new(),
        custom: Vec::new(),
        stages: with_own(stages, OWN_STAGES),
        touch_kinds: with_own(kinds, OWN_TOUCH_KINDS),
        units,
        date_order: None,
        decimal_mark: None,
        habits,
    }
}

/// Returns a system's words, then ours for those that it does not use itself.
fn with_own<T: Copy>(system: &[(&str, T)], own: &[(&str, T)]) -> Vec<(String, T)> {
    let mut words: Vec<(String, T)> = system.iter().map(|(word, means)| ((*word).to_owned(), *means)).collect();
    for (word, means) in own {
        if !words.iter().any(|(known, _)| bare(known) == bare(word)) {
            words.push(((*word).to_owned(), *means));
        }
    }
    words
}

fn with_map(mut mapping: Mapping, text: &str, kind: Kind) -> Result<Mapping, String> {
    let MapFile { source, date_order, decimal_comma, accounts_by_name, columns, units, custom, stages, touch_kinds } =
        toml::from_str(text).map_err(|error| error.to_string())?;
    if let Some(source) = source {
        mapping.source = source;
    }
    mapping.date_order = date_order;
    mapping.decimal_mark = decimal_comma.map(|comma| if comma { DecimalMark::Comma } else { DecimalMark::Point });
    mapping.habits.accounts_by_name = accounts_by_name.unwrap_or(mapping.habits.accounts_by_name);
    for (name, titles) in columns {
        let field = field_of(&name, kind)?;
        let titles = match titles {
            OneOrMore::One(title) => vec![title],
            OneOrMore::More(titles) => titles,
        };
        mapping.columns.retain(|(known, _)| *known != field);
        mapping.columns.push((field, titles));
    }
    for (name, unit) in units {
        let field = field_of(&name, kind)?;
        // From the number's own text, so that no binary float comes near money.
        let unit =
            unit.to_string().parse().map_err(|_| format!("units.{name}: should be a number, such as 1_000_000"))?;
        mapping.units.insert(field, unit);
    }
    for (name, title) in custom {
        mapping.custom.push((title, name));
    }
    for (word, means) in stages {
        let stage =
            meaning(&means, OWN_STAGES).ok_or_else(|| unknown(&format!("stages.\"{word}\""), &means, OWN_STAGES))?;
        mapping.stages.retain(|(known, _)| bare(known) != bare(&word));
        mapping.stages.insert(0, (word, stage));
    }
    for (word, means) in touch_kinds {
        let touch_kind = if bare(&means) == "none" {
            None
        } else {
            meaning(&means, OWN_TOUCH_KINDS)
                .ok_or_else(|| unknown(&format!("touch-kinds.\"{word}\""), &means, OWN_TOUCH_KINDS))?
        };
        mapping.touch_kinds.retain(|(known, _)| bare(known) != bare(&word));
        mapping.touch_kinds.insert(0, (word, touch_kind));
    }
    Ok(mapping)
}

/// Returns what a word means, by its letters and digits.
#[must_use]
pub fn meaning<T: Copy, W: AsRef<str>>(word: &str, words: &[(W, T)]) -> Option<T> {
    let wanted = bare(word);
    words.iter().find(|(known, _)| bare(known.as_ref()) == wanted).map(|(_, means)| *means)
}

fn unknown<T>(place: &str, word: &str, words: &[(&str, T)]) -> String {
    let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    format!("{place}: “{word}” is unknown; known are {}", known.join(", "))
}

/// Returns the field of a name: the documented one, or another title by which `--from csv` knows it.
fn field_of(name: &str, kind: Kind) -> Result<Field, String> {
    presets::csv::PRESET
        .columns
        .iter()
        .filter(|(of, _)| *of == kind)
        .flat_map(|(_, fields)| fields.iter())
        .find(|(_, titles)| titles.contains(&name))
        .map(|(field, _)| *field)
        .ok_or_else(|| {
            let known: Vec<_> = presets::fields(kind).map(|field| presets::name_of(field, kind)).collect();
            format!("“{name}” is no field of {}; those are {}", kind.word(), known.join(", "))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_says_what_columns_units_and_stages_mean() {
        let text = r#"
            source = "erp"
            date-order = "dmy"
            [columns]
            id = "No."
            amount = ["Net", "Gross"]
            [units]
            amount = 0.01
            [custom]
            branch = "Office"
            [stages]
            "Quote sent" = "proposed"
        "#;
        let mapping = with_map(plain("other", None), text, Kind::Opportunities).unwrap();
        assert_eq!(mapping.source, "erp");
        assert_eq!(mapping.date_order, Some(DateOrder::Dmy));
        assert_eq!(mapping.units[&Field::Amount], Decimal::new(1, 2));
        assert_eq!(mapping.custom, [("Office".to_owned(), "branch".to_owned())]);
        assert_eq!(meaning("QUOTE-SENT", &mapping.stages), Some(Stage::Proposed));
        assert!(mapping.columns.contains(&(Field::Amount, vec!["Net".to_owned(), "Gross".to_owned()])));
    }

    #[test]
    fn a_map_uses_the_documented_names() {
        for (kind, names) in [
            (Kind::Accounts, &["parent", "owner"][..]),
            (Kind::Bookings, &["seller", "account"]),
            (Kind::Touches, &["user", "contacts", "account"]),
        ] {
            for name in names {
                let text = format!("[columns]\n{name} = \"X\"");
                assert!(with_map(plain("other", None), &text, kind).is_ok(), "{name}");
            }
        }
    }

    #[test]
    fn what_a_map_does_not_know_is_named() {
        let fault = |text: &str| with_map(plain("other", None), text, Kind::Accounts).unwrap_err();
        assert!(fault("[columns]\nstage = \"S\"").starts_with("“stage” is no field of accounts"));
        assert!(fault("[stages]\nA = \"MAYBE\"").contains("“MAYBE” is unknown; known are IDENTIFIED"));
        assert!(fault("colums = 1").contains("unknown field"));
    }
}
