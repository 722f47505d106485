//! Days and instants.

use chrono::{DateTime, Duration, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::date_format::{DateFormat, DateOrder};
use super::months;

/// A point in time, as exactly as a cell gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// A day.
    Day(NaiveDate),
    /// A local time.
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

/// Reads a date or a date with a time, written as its column was decided to write them.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn moment(cell: &str, format: DateFormat) -> Result<Moment, String> {
    let cell = cell.trim();
    if let Some(moment) = serial(cell) {
        return Ok(moment);
    }
    let (day, rest) = day_and_rest(cell, format)?;
    let rest = rest.trim_start_matches(['T', 't', ',']).trim();
    if rest.is_empty() {
        return Ok(Moment::Day(day));
    }
    time(day, rest).ok_or_else(|| {
        format!("“{cell}” has a time that cannot be read; write 2017-03-04 14:30 or 2017-03-04T14:30:00Z")
    })
}

fn day_and_rest(cell: &str, format: DateFormat) -> Result<(NaiveDate, &str), String> {
    let missing = || format!("“{cell}” is a day that does not exist");
    if let Some((parts, separator, rest)) = numbers(cell) {
        if parts[0].1 == 4 {
            return Ok((day_of(&parts, DateOrder::Ymd).ok_or_else(missing)?, rest));
        }
        let order = match (separator, format.dotted, format.other) {
            // The month never comes first in dates with periods, whatever order is declared.
            ('.', Some(DateOrder::Mdy), _) => DateOrder::Dmy,
            ('.', order, _) => order.unwrap_or(DateOrder::Dmy),
            // Without an order the column holds no date that exists.
            (_, _, order) => order.unwrap_or(DateOrder::Mdy),
        };
        let order = if parts[2].1 == 4 && order == DateOrder::Ymd { DateOrder::Dmy } else { order };
        if parts[2].1 == 4 && format.other == Some(DateOrder::Ymd) && separator != '.' {
            return Err(format!("“{cell}” has the year last, where the year is declared to come first"));
        }
        return Ok((day_of(&parts, order).ok_or_else(missing)?, rest));
    }
    let unreadable = || format!("“{cell}” is not a date; write 2017-03-04");
    if cell.len() == 8 && cell.bytes().all(|byte| byte.is_ascii_digit()) {
        let day = NaiveDate::parse_from_str(cell, "%Y%m%d").map_err(|_| missing())?;
        return Ok((day, ""));
    }
    let (year, month, day, rest) = named_month(cell, format.other).ok_or_else(unreadable)?;
    let date = i32::try_from(year).ok().and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    Ok((date.ok_or_else(missing)?, rest))
}

pub(super) fn day_of(&[first, second, third]: &Counted, order: DateOrder) -> Option<NaiveDate> {
    let (year, month, day) = match order {
        DateOrder::Dmy => (third, second.0, first.0),
        DateOrder::Mdy => (third, first.0, second.0),
        DateOrder::Ymd => (first, second.0, third.0),
    };
    let year = if year.1 == 2 { century(year.0) } else { year.0 };
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn century(two_digits: u32) -> u32 {
    if two_digits < 70 { 2000 + two_digits } else { 1900 + two_digits }
}

/// Three numbers, each with its count of digits.
pub(super) type Counted = [(u32, usize); 3];

/// Returns three numbers between two equal separators, and what follows them.
pub(super) fn numbers(cell: &str) -> Option<(Counted, char, &str)> {
    fn digits(text: &str) -> Option<((u32, usize), &str)> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text.get(..length)?.parse().ok()?;
        (length <= 4).then_some(((number, length), &text[length..]))
    }
    let (first, rest) = digits(cell)?;
    let separator = rest.chars().next().filter(|letter| matches!(letter, '-' | '/' | '.'))?;
    let (second, rest) = digits(&rest[1..])?;
    let (third, rest) = digits(rest.strip_prefix(separator)?)?;
    let fits = matches!((first.1, third.1), (4, 1 | 2) | (1 | 2, 2 | 4) | (2, 1));
    (fits && second.1 <= 2).then_some(([first, second, third], separator, rest))
}

/// Reads `Sep 12, 2026`, `12 September 2026`, `12-Sep-26`, `2026-Sep-12`, `4. März 2017` and `4 de marzo de 2017`.
fn named_month(cell: &str, order: Option<DateOrder>) -> Option<(u32, u32, u32, &str)> {
    let mut words: Vec<&str> = Vec::with_capacity(3);
    let mut rest = cell;
    while words.len() < 3 {
        let (word, after) = date_word(rest)?;
        rest = after;
        if !matches!(word.to_lowercase().as_str(), "de" | "del" | "of") {
            words.push(word);
        }
    }
    let numeral = |word: &str| -> Option<(u32, usize)> {
        let length = word.bytes().take_while(u8::is_ascii_digit).count();
        Some((word.get(..length)?.parse().ok()?, length))
    };
    let ((day, month), year) = match (months::month(words[0]), months::month(words[1])) {
        (Some(month), _) => ((numeral(words[1])?, month), numeral(words[2])?),
        (None, Some(month)) => {
            let (first, last) = (numeral(words[0])?, numeral(words[2])?);
            let year_first = first.1 == 4 || (order == Some(DateOrder::Ymd) && first.1 == 2 && last.1 <= 2);
            if year_first { ((last, month), first) } else { ((first, month), last) }
        }
        (None, None) => return None,
    };
    let year = match year.1 {
        2 => century(year.0),
        4 => year.0,
        _ => return None,
    };
    (day.1 <= 2).then_some((year, month, day.0, rest))
}

/// Takes a number, with an ordinal's letters, or a word off the front of a date.
fn date_word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\u{a0}', ',', '-', '.', '/']);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let end = if digits > 0 {
        let ordinal = ["st", "nd", "rd", "th", "er", "º"].into_iter().find(|ending| text[digits..].starts_with(ending));
        digits + ordinal.map_or(0, str::len)
    } else {
        text.find(|letter: char| !letter.is_alphabetic() && !('\u{300}'..='\u{36f}').contains(&letter))
            .unwrap_or(text.len())
    };
    (end > 0).then(|| text.split_at(end))
}

/// Reads a spreadsheet's count of days since 30 December 1899, with its time of day: 45631.604.
fn serial(cell: &str) -> Option<Moment> {
    let (whole, fraction) = cell.split_once('.').unwrap_or((cell, ""));
    if whole.len() != 5 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let days: i64 = whole.parse().ok().filter(|days| (10_000..80_000).contains(days))?;
    let day = NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_signed(Duration::days(days))?;
    // Fifteen digits are all that a spreadsheet keeps; more would not fit.
    let fraction = fraction.trim_end_matches('0');
    let fraction = fraction.get(..fraction.len().min(15))?;
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let part: i128 = if fraction.is_empty() { 0 } else { fraction.parse().ok()? };
    let seconds = i64::try_from((part * 86_400 + scale / 2) / scale).ok()?;
    if seconds == 0 {
        return Some(Moment::Day(day));
    }
    Some(Moment::Local(day.and_time(NaiveTime::MIN).checked_add_signed(Duration::seconds(seconds))?))
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

    use super::super::date_format::decide_dates;
    use super::*;

    fn day(cell: &str, format: DateFormat) -> Result<String, String> {
        moment(cell, format).map(|moment| moment.day(Tz::UTC).to_string())
    }

    fn instant(cell: &str) -> String {
        moment(cell, DateOrder::Mdy.into()).unwrap().instant(Tz::UTC).to_rfc3339()
    }

    #[test]
    fn days_are_read_in_many_spellings() {
        let march = Ok("2017-03-04".to_owned());
        for cell in [
            "2017-03-04",
            "2017/3/4",
            "4.3.2017",
            "Mar 4, 2017",
            "March 4th, 2017",
            "4 March 2017",
            "04-Mar-17",
            "2017-Mar-04",
            "4. März 2017",
            "4 de marzo de 2017",
            "4 mars 2017",
            "4 марта 2017",
            "4 MART 2017",
            "20170304",
            "42798",
            "42798.0",
            "42798.604",
        ] {
            assert_eq!(day(cell, DateFormat::default()), march, "{cell}");
        }
        assert_eq!(day("3/4/2017", DateOrder::Mdy.into()), march);
        assert_eq!(day("4/3/17", DateOrder::Dmy.into()), march);
        assert_eq!(day("04.03.17", DateOrder::Dmy.into()), march);
        assert_eq!(day("04.03.17", DateOrder::Mdy.into()), march);
        assert_eq!(day("17-Mar-04", DateOrder::Ymd.into()), march);
        assert_eq!(day("1er janvier 2017", DateFormat::default()), Ok("2017-01-01".to_owned()));
        assert_eq!(day("11/14/98", DateOrder::Mdy.into()), Ok("1998-11-14".to_owned()));
    }

    #[test]
    fn serials_keep_their_time_of_day() {
        for (cell, time) in [("42798.5", "12:00:00"), ("42798.604166666664", "14:30:00"), ("42798.99999", "23:59:59")] {
            assert_eq!(instant(cell), format!("2017-03-04T{time}+00:00"), "{cell}");
        }
        assert_eq!(
            moment("42798", DateFormat::default()).unwrap(),
            moment("2017-03-04", DateFormat::default()).unwrap()
        );
    }

    #[test]
    fn days_that_do_not_exist_and_words_are_refused() {
        let refusal = |cell: &str| day(cell, DateFormat::default()).unwrap_err();
        assert!(refusal("2017-02-30").contains("does not exist"));
        assert!(refusal("13/14/2017").contains("does not exist"));
        for cell in ["tomorrow", "4 Marketing 2017", "Marzipan 4, 2017", "4 Mardi 2017", "12", "240305", "March 2017"] {
            assert!(refusal(cell).contains("is not a date"), "{cell}");
        }
        assert!(refusal("2017-03-04 25:00").contains("time"));
        for zone in ["+1é2", "+-1-1", "+1", "+"] {
            assert!(day(&format!("2017-03-04 14:30 {zone}"), DateFormat::default()).is_err(), "{zone}");
        }
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
        let late = moment("2024-01-23T03:54:57.000+0000", DateFormat::default()).unwrap();
        assert_eq!(late.day(zone).to_string(), "2024-01-22");
        let in_the_gap = moment("2024-03-10 02:30", DateFormat::default()).unwrap();
        assert_eq!(in_the_gap.instant(zone).to_rfc3339(), "2024-03-10T07:30:00+00:00");
    }

    proptest! {
        #[test]
        fn no_cell_is_too_strange(cell in "\\PC{0,24}") {
            let _ = moment(&cell, DateFormat::default());
            let _ = moment(&cell, DateOrder::Dmy.into());
            let _ = decide_dates([(2, cell.as_str())].into_iter());
        }

        #[test]
        fn nearly_dates_do_not_panic(cell in "[0-9/.:TZ+ -]{0,24}") {
            let _ = moment(&cell, DateOrder::Mdy.into());
            let _ = decide_dates([(2, cell.as_str())].into_iter());
        }

        #[test]
        fn every_day_is_read_as_written(days in 0_i64..29_000, shape in 0_usize..6) {
            let date = NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + Duration::days(days);
            let (order, shape) = [
                (DateOrder::Dmy, "%d/%m/%Y"),
                (DateOrder::Mdy, "%m/%d/%Y"),
                (DateOrder::Dmy, "%d.%m.%y"),
                (DateOrder::Mdy, "%m-%d-%y"),
                (DateOrder::Ymd, "%y-%m-%d"),
                (DateOrder::Dmy, "%d %B %Y"),
            ][shape];
            prop_assert_eq!(moment(&date.format(shape).to_string(), order.into()), Ok(Moment::Day(date)));
            prop_assert_eq!(moment(&date.to_string(), DateFormat::default()), Ok(Moment::Day(date)));
        }

        #[test]
        fn a_column_is_read_as_written_or_refused(
            days in proptest::collection::vec(0_i64..29_000, 1..20),
            shape in 0_usize..4,
        ) {
            let shape = ["%d/%m/%y", "%m/%d/%Y", "%y-%m-%d", "%d.%m.%Y"][shape];
            let dates: Vec<NaiveDate> =
                days.iter().map(|days| NaiveDate::from_ymd_opt(1990, 1, 1).unwrap() + Duration::days(*days)).collect();
            let cells: Vec<String> = dates.iter().map(|date| date.format(shape).to_string()).collect();
            if let Ok(format) = decide_dates((2_u64..).zip(cells.iter().map(String::as_str))) {
                for (date, cell) in dates.iter().zip(&cells) {
                    prop_assert_eq!(moment(cell, format), Ok(Moment::Day(*date)), "{:?}", cells);
                }
            }
        }
    }
}
