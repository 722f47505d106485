//! Days and instants.

use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// Which of day and month comes first in dates such as 3/4/2017.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Day, month, year: 4 March is 4/3/2017.
    Dmy,
    /// Month, day, year: 4 March is 3/4/2017.
    Mdy,
}

/// Why a column's order of day and month cannot be told.
#[derive(Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Every date could be read both ways, and this one is the first that would differ.
    Ambiguous {
        /// The line and the cell.
        line: u64,
        #[expect(missing_docs, reason = "see line")]
        cell: String,
    },
    /// One line can only be read one way, another only the other.
    Contradicting {
        /// The line that must be day first.
        dmy: u64,
        /// The line that must be month first.
        mdy: u64,
    },
}

/// Decides day and month for a whole column, never row by row. None where no cell needs a decision.
///
/// # Errors
/// [`Undecided`] where the cells allow both, or contradict each other.
pub fn decide_order<'a>(cells: impl Iterator<Item = (u64, &'a str)>) -> Result<Option<DateOrder>, Undecided> {
    let (mut dmy, mut mdy, mut either) = (None, None, None);
    for (line, cell) in cells {
        let Some((parts, '/' | '-', _)) = numbers(cell.trim()) else {
            continue;
        };
        let [(first, length), (second, _), _] = parts;
        if length == 4 || first == second {
            continue;
        }
        match (first > 12, second > 12) {
            (true, false) => dmy = dmy.or(Some(line)),
            (false, true) => mdy = mdy.or(Some(line)),
            (false, false) => either = either.or_else(|| Some((line, cell.trim().to_owned()))),
            (true, true) => {}
        }
    }
    match (dmy, mdy, either) {
        (Some(dmy), Some(mdy), _) => Err(Undecided::Contradicting { dmy, mdy }),
        (Some(_), None, _) => Ok(Some(DateOrder::Dmy)),
        (None, Some(_), _) => Ok(Some(DateOrder::Mdy)),
        (None, None, Some((line, cell))) => Err(Undecided::Ambiguous { line, cell }),
        (None, None, None) => Ok(None),
    }
}

/// A point in time, as exactly as a cell gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day.
    Day(NaiveDate),
    /// A time on somebody's clock.
    Local(NaiveDateTime),
    /// An instant.
    Instant(DateTime<Utc>),
}

impl Moment {
    /// The day, for an instant that of the zone.
    #[must_use]
    pub fn day(self, zone: Tz) -> NaiveDate {
        match self {
            Self::Day(day) => day,
            Self::Local(time) => time.date(),
            Self::Instant(instant) => instant.with_timezone(&zone).date_naive(),
        }
    }

    /// The instant; a time without a zone is the zone's, and a day is its noon, which is the same day nearly
    /// everywhere. In a clock change's gap the time after it, in its overlap the first.
    #[must_use]
    pub fn instant(self, zone: Tz) -> DateTime<Utc> {
        let local = match self {
            Self::Instant(instant) => return instant,
            Self::Day(day) => day.and_time(NaiveTime::from_hms_opt(12, 0, 0).unwrap_or_default()),
            Self::Local(time) => time,
        };
        match zone.from_local_datetime(&local) {
            LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.to_utc(),
            LocalResult::None => zone
                .from_local_datetime(&(local + Duration::hours(1)))
                .earliest()
                .map_or_else(|| local.and_utc(), |time| time.to_utc()),
        }
    }
}

/// Reads a date or a date with a time. The order is needed only where the year does not come first.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn moment(cell: &str, order: Option<DateOrder>) -> Result<Moment, String> {
    let cell = cell.trim();
    let (day, rest) = day_and_rest(cell, order)?;
    let rest = rest.trim_start_matches(['T', 't', ',']).trim();
    if rest.is_empty() {
        return Ok(Moment::Day(day));
    }
    time(day, rest).ok_or_else(|| {
        format!("“{cell}” has a time that cannot be read; write 2017-03-04 14:30 or 2017-03-04T14:30:00Z")
    })
}

fn day_and_rest(cell: &str, order: Option<DateOrder>) -> Result<(NaiveDate, &str), String> {
    let unreadable = || format!("“{cell}” is not a date; write 2017-03-04");
    let (year, month, day, rest) = if let Some((parts, separator, rest)) = numbers(cell) {
        let [(first, length), (second, _), (third, third_length)] = parts;
        if length == 4 {
            (first, second, third, rest)
        } else {
            let year = if third_length == 2 { century(third) } else { third };
            match (separator, order) {
                ('.', _) | (_, Some(DateOrder::Dmy)) => (year, second, first, rest),
                // Without an order the column has no cell that needs one: day and month are equal, or neither fits.
                (_, Some(DateOrder::Mdy) | None) => (year, first, second, rest),
            }
        }
    } else if let Some(found) = named_month(cell) {
        found
    } else {
        return serial(cell).map(|day| (day, "")).ok_or_else(unreadable);
    };
    let date = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    let date = date.ok_or_else(|| format!("“{cell}” is a day that does not exist"))?;
    Ok((date, rest))
}

fn century(two_digits: u32) -> u32 {
    if two_digits < 70 { 2000 + two_digits } else { 1900 + two_digits }
}

/// Three numbers, each with its count of digits.
type Counted = [(u32, usize); 3];

/// Three numbers between two equal separators, and what follows them.
fn numbers(cell: &str) -> Option<(Counted, char, &str)> {
    fn digits(text: &str) -> Option<((u32, usize), &str)> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text.get(..length)?.parse().ok()?;
        (length <= 4).then_some(((number, length), &text[length..]))
    }
    let (first, rest) = digits(cell)?;
    let separator = rest.chars().next().filter(|letter| matches!(letter, '-' | '/' | '.'))?;
    let (second, rest) = digits(&rest[1..])?;
    let (third, rest) = digits(rest.strip_prefix(separator)?)?;
    let years = usize::from(first.1 == 4) + usize::from(third.1 == 4 || (first.1 != 4 && third.1 == 2));
    (years == 1 && second.1 <= 2).then_some(([first, second, third], separator, rest))
}

/// `Sep 12, 2026`, `12 September 2026`, `12-Sep-26`.
fn named_month(cell: &str) -> Option<(u32, u32, u32, &str)> {
    let mut words: Vec<&str> = Vec::with_capacity(3);
    let mut rest = cell;
    while words.len() < 3 {
        rest = rest.trim_start_matches([' ', ',', '-', '.', '/']);
        let length = rest.find([' ', ',', '-', '.', '/', 'T']).unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    let month = |word: &str| {
        const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let head = word.get(..3)?.to_ascii_lowercase();
        (1_u32..).zip(MONTHS).find(|(_, name)| *name == head).map(|(number, _)| number)
    };
    let (day, month) = match (month(words[0]), month(words[1])) {
        (Some(month), _) => (words[1].parse().ok()?, month),
        (None, Some(month)) => (words[0].parse().ok()?, month),
        (None, None) => return None,
    };
    let year = words[2].parse().ok()?;
    Some((if words[2].len() == 2 { century(year) } else { year }, month, day, rest))
}

/// A spreadsheet's count of days (45631.0), or eight digits (20170304).
fn serial(cell: &str) -> Option<NaiveDate> {
    if cell.len() == 8 && cell.bytes().all(|byte| byte.is_ascii_digit()) {
        return NaiveDate::parse_from_str(cell, "%Y%m%d").ok();
    }
    let days: f64 = cell.parse().ok()?;
    if !(10_000.0..80_000.0).contains(&days) {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "between 10,000 and 80,000")]
    NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_signed(Duration::days(days as i64))
}

/// `14:30`, `14:30:05.123`, `2:30 PM`, each with or without a zone: `Z`, `+0000`, `-03:00`, `UTC`.
fn time(day: NaiveDate, text: &str) -> Option<Moment> {
    let length =
        text.find(|letter: char| !(letter.is_ascii_digit() || letter == ':' || letter == '.')).unwrap_or(text.len());
    let (clock, rest) = text.split_at(length);
    let mut clock_parts = clock.split(':');
    let mut hour: u32 = clock_parts.next()?.parse().ok()?;
    let minute: u32 = clock_parts.next()?.parse().ok()?;
    let (second, nano) = match clock_parts.next() {
        None => (0, 0),
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
            let fraction = format!("{fraction:0<9}");
            (whole.parse().ok()?, fraction.get(..9)?.parse().ok()?)
        }
    };
    if clock_parts.next().is_some() {
        return None;
    }
    let rest = rest.trim().to_ascii_uppercase();
    let zone = if let Some(zone) = rest.strip_prefix("AM").or_else(|| rest.strip_prefix("PM")) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if rest.starts_with('P') { 12 } else { 0 };
        zone.trim()
    } else {
        rest.as_str()
    };
    let local = day.and_time(NaiveTime::from_hms_nano_opt(hour, minute, second, nano)?);
    if zone.is_empty() {
        return Some(Moment::Local(local));
    }
    let instant = offset(zone)?.from_local_datetime(&local).single()?;
    Some(Moment::Instant(instant.to_utc()))
}

fn offset(zone: &str) -> Option<FixedOffset> {
    if matches!(zone, "Z" | "UTC" | "GMT") {
        return FixedOffset::east_opt(0);
    }
    // Data Loader's samples write Z-0300 for -0300.
    let zone = zone.strip_prefix('Z').unwrap_or(zone);
    let (sign, digits) = match zone.as_bytes().first()? {
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let digits = digits.replace(':', "");
    if !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = match digits.len() {
        2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn order(cells: &[&str]) -> Result<Option<DateOrder>, Undecided> {
        decide_order((2_u64..).zip(cells.iter().copied()))
    }

    fn day(cell: &str, order: Option<DateOrder>) -> Result<String, String> {
        moment(cell, order).map(|moment| moment.day(Tz::UTC).to_string())
    }

    fn instant(cell: &str) -> String {
        moment(cell, Some(DateOrder::Mdy)).unwrap().instant(Tz::UTC).to_rfc3339()
    }

    #[test]
    fn a_whole_column_decides_day_and_month() {
        assert_eq!(order(&["3/4/2017", "3/14/2017"]), Ok(Some(DateOrder::Mdy)));
        assert_eq!(order(&["3/4/2017", "14/3/17"]), Ok(Some(DateOrder::Dmy)));
        assert_eq!(order(&["2017-03-04", "4.3.2017", "5/5/2017", "", "soon"]), Ok(None));
        assert_eq!(
            order(&["5/5/2017", "3/4/2017"]),
            Err(Undecided::Ambiguous { line: 3, cell: "3/4/2017".to_owned() })
        );
        assert_eq!(order(&["13/4/2017", "4/13/2017"]), Err(Undecided::Contradicting { dmy: 2, mdy: 3 }));
        assert_eq!(order(&["3/4/2017 9:00", "3/14/2017 2:30 PM"]), Ok(Some(DateOrder::Mdy)));
    }

    #[test]
    fn days_are_read_in_many_spellings() {
        let march = Ok("2017-03-04".to_owned());
        for cell in [
            "2017-03-04",
            "2017/3/4",
            "4.3.2017",
            "04.03.17",
            "Mar 4, 2017",
            "4 March 2017",
            "04-Mar-17",
            "20170304",
            "42798",
            "42798.0",
        ] {
            assert_eq!(day(cell, None), march, "{cell}");
        }
        assert_eq!(day("3/4/2017", Some(DateOrder::Mdy)), march);
        assert_eq!(day("4/3/17", Some(DateOrder::Dmy)), march);
        assert_eq!(day("11/14/98", Some(DateOrder::Mdy)), Ok("1998-11-14".to_owned()));
    }

    #[test]
    fn days_that_do_not_exist_and_words_are_told() {
        assert!(day("2017-02-30", None).unwrap_err().contains("does not exist"));
        assert!(day("13/14/2017", None).unwrap_err().contains("does not exist"));
        assert!(day("tomorrow", None).unwrap_err().contains("is not a date"));
        assert!(day("2017-03-04 25:00", None).unwrap_err().contains("time"));
        for zone in ["+1é2", "+-1-1", "+1", "+"] {
            assert!(day(&format!("2017-03-04 14:30 {zone}"), None).is_err(), "{zone}");
        }
        assert!(day("12", None).is_err());
    }

    #[test]
    fn instants_keep_their_zone() {
        for cell in [
            "2017-03-04T12:30:00.000+0000",
            "2017-03-04T12:30:00Z",
            "2017-03-04 09:30:00-0300",
            "2017-03-04T09:30:00.000Z-0300",
            "3/4/2017 12:30",
            "3/4/2017 12:30 pm",
            "03/04/2017T14:30:00+02:00",
            "2017-03-04 12:30:00 UTC",
        ] {
            assert_eq!(instant(cell), "2017-03-04T12:30:00+00:00", "{cell}");
        }
        assert_eq!(instant("2017-03-04"), "2017-03-04T12:00:00+00:00");
        assert_eq!(instant("3/4/2017 12:05 AM"), "2017-03-04T00:05:00+00:00");
    }

    #[test]
    fn the_organizations_zone_makes_days_of_instants_and_instants_of_clocks() {
        let zone = chrono_tz::America::New_York;
        let late = moment("2024-01-23T03:54:57.000+0000", None).unwrap();
        assert_eq!(late.day(zone).to_string(), "2024-01-22");
        let in_the_gap = moment("2024-03-10 02:30", None).unwrap();
        assert_eq!(in_the_gap.instant(zone).to_rfc3339(), "2024-03-10T07:30:00+00:00");
    }

    proptest! {
        #[test]
        fn no_cell_is_too_strange(cell in "\\PC{0,24}") {
            let _ = moment(&cell, None);
            let _ = moment(&cell, Some(DateOrder::Dmy));
        }

        #[test]
        fn nearly_dates_do_not_panic(cell in "[0-9/.:TZ+ -]{0,24}") {
            let _ = moment(&cell, Some(DateOrder::Mdy));
        }

        #[test]
        fn every_day_is_read_as_written(days in 0_i64..30_000, day_first: bool) {
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + Duration::days(days);
            let (order, shape) = if day_first { (DateOrder::Dmy, "%d/%m/%Y") } else { (DateOrder::Mdy, "%m/%d/%Y") };
            prop_assert_eq!(moment(&date.format(shape).to_string(), Some(order)), Ok(Moment::Day(date)));
            prop_assert_eq!(moment(&date.to_string(), None), Ok(Moment::Day(date)));
        }
    }
}
