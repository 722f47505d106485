//! From cells to values: days and instants, money, numbers, yes and no, and what makes two titles the same.
//!
//! Everything here is pure. A message says what is wrong with the cell; the caller adds which cell it is.

use chrono::{
    DateTime, Duration, FixedOffset, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone,
    Utc,
};
use chrono_tz::Tz;
use rust_decimal::{Decimal, RoundingStrategy};

/// Two titles, stages or words are the same where their letters and digits are: case, spaces, punctuation and a
/// trailing `*` do not count.
#[must_use]
pub fn bare(text: &str) -> String {
    text.chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

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
pub fn decide_order<'a>(
    cells: impl Iterator<Item = (u64, &'a str)>,
) -> Result<Option<DateOrder>, Undecided> {
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
    time(day, rest).ok_or_else(|| format!("“{cell}” has a time that cannot be read; write 2017-03-04 14:30 or 2017-03-04T14:30:00Z"))
}

fn day_and_rest(cell: &str, order: Option<DateOrder>) -> Result<(NaiveDate, &str), String> {
    let unreadable = || format!("“{cell}” is not a date; write 2017-03-04");
    let (year, month, day, rest) = if let Some((parts, separator, rest)) = numbers(cell) {
        let [(first, length), (second, _), (third, third_length)] = parts;
        if length == 4 {
            (first, second, third, rest)
        } else {
            let year = if third_length == 2 {
                century(third)
            } else {
                third
            };
            match (separator, order) {
                ('.', _) | (_, Some(DateOrder::Dmy)) => (year, second, first, rest),
                (_, Some(DateOrder::Mdy)) => (year, first, second, rest),
                // The column decided that no cell needs an order: day and month are equal, or neither fits.
                (_, None) => (year, first, second, rest),
            }
        }
    } else if let Some(found) = named_month(cell) {
        found
    } else {
        return serial(cell).map(|day| (day, "")).ok_or_else(unreadable);
    };
    let date = i32::try_from(year)
        .ok()
        .and_then(|year| NaiveDate::from_ymd_opt(year, month, day));
    let date = date.ok_or_else(|| format!("“{cell}” is a day that does not exist"))?;
    Ok((date, rest))
}

fn century(two_digits: u32) -> u32 {
    if two_digits < 70 {
        2000 + two_digits
    } else {
        1900 + two_digits
    }
}

/// Three numbers between two equal separators, each with its count of digits, and what follows them.
fn numbers(cell: &str) -> Option<([(u32, usize); 3], char, &str)> {
    fn digits(text: &str) -> Option<((u32, usize), &str)> {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let number = text.get(..length)?.parse().ok()?;
        (length <= 4).then_some(((number, length), &text[length..]))
    }
    let (first, rest) = digits(cell)?;
    let separator = rest
        .chars()
        .next()
        .filter(|letter| matches!(letter, '-' | '/' | '.'))?;
    let (second, rest) = digits(&rest[1..])?;
    let (third, rest) = digits(rest.strip_prefix(separator)?)?;
    let years =
        usize::from(first.1 == 4) + usize::from(third.1 == 4 || (first.1 != 4 && third.1 == 2));
    (years == 1 && second.1 <= 2).then_some(([first, second, third], separator, rest))
}

/// `Sep 12, 2026`, `12 September 2026`, `12-Sep-26`.
fn named_month(cell: &str) -> Option<(u32, u32, u32, &str)> {
    let mut words: Vec<&str> = Vec::with_capacity(3);
    let mut rest = cell;
    while words.len() < 3 {
        rest = rest.trim_start_matches([' ', ',', '-', '.', '/']);
        let length = rest
            .find([' ', ',', '-', '.', '/', 'T'])
            .unwrap_or(rest.len());
        if length == 0 {
            return None;
        }
        words.push(&rest[..length]);
        rest = &rest[length..];
    }
    let month = |word: &str| {
        const MONTHS: [&str; 12] = [
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ];
        let head = word.get(..3)?.to_ascii_lowercase();
        (1_u32..)
            .zip(MONTHS)
            .find(|(_, name)| *name == head)
            .map(|(number, _)| number)
    };
    let (day, month) = match (month(words[0]), month(words[1])) {
        (Some(month), _) => (words[1].parse().ok()?, month),
        (None, Some(month)) => (words[0].parse().ok()?, month),
        (None, None) => return None,
    };
    let year = words[2].parse().ok()?;
    Some((
        if words[2].len() == 2 {
            century(year)
        } else {
            year
        },
        month,
        day,
        rest,
    ))
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
    let length = text
        .find(|letter: char| !(letter.is_ascii_digit() || letter == ':' || letter == '.'))
        .unwrap_or(text.len());
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
    let (hours, minutes): (i32, i32) = match digits.len() {
        2 => (digits.parse().ok()?, 0),
        4 => (digits[..2].parse().ok()?, digits[2..].parse().ok()?),
        _ => return None,
    };
    FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60))
}

/// How a column writes amounts.
#[derive(Debug, Clone, Copy)]
pub struct AmountStyle {
    /// The currency's decimals.
    pub decimals: u32,
    /// What one unit of the column is: 1,000,000 for revenue in millions.
    pub unit: Decimal,
    /// 1.234,50 rather than 1,234.50.
    pub decimal_comma: bool,
}

/// Reads an amount and brings it to the currency's decimals, multiplied by the column's unit.
///
/// More decimals than the currency has are refused, unless they are what binary floats leave behind
/// (1475.3000000000002).
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn amount(cell: &str, style: AmountStyle) -> Result<Decimal, String> {
    let number = decimal(cell, style.decimal_comma)?;
    let value = number
        .checked_mul(style.unit)
        .ok_or_else(|| format!("“{}” is too large an amount", cell.trim()))?;
    let rounded =
        value.round_dp_with_strategy(style.decimals, RoundingStrategy::MidpointAwayFromZero);
    if rounded == value {
        return Ok(rounded.normalize());
    }
    let digits = cell
        .split(['e', 'E'])
        .next()
        .unwrap_or_default()
        .bytes()
        .filter(u8::is_ascii_digit)
        .count();
    let off = (value - rounded).abs();
    let noise = value
        .abs()
        .checked_mul(Decimal::new(1, 12))
        .unwrap_or_default();
    if digits >= 15 && off <= noise {
        return Ok(rounded.normalize());
    }
    Err(format!(
        "“{}” has more decimals than the currency, which has {}",
        cell.trim(),
        style.decimals
    ))
}

/// Reads a number: with a currency's sign or letters about it, thousands in groups, an exponent, a minus or brackets.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn decimal(cell: &str, decimal_comma: bool) -> Result<Decimal, String> {
    let shown = cell.trim();
    let unreadable = || format!("“{shown}” is not a number; write 1234.50");
    let outside = |letter: char| !(letter.is_ascii_digit() || matches!(letter, '.' | ','));
    let (head, core) = shown.split_at(
        shown
            .find(|letter| !outside(letter))
            .ok_or_else(unreadable)?,
    );
    let (core, tail) = core.split_at(core.rfind(|letter| !outside(letter)).map_or(0, |at| at + 1));
    let around = format!("{head}{tail}");
    if around.chars().any(|letter| {
        !(letter.is_alphabetic() || letter.is_whitespace() || "$€£¥₹+-−()".contains(letter))
    }) {
        return Err(unreadable());
    }
    let negative = head.contains(['-', '−']) || (head.contains('(') && tail.contains(')'));
    let plain = if core.contains(['e', 'E']) {
        core.to_owned()
    } else {
        without_groups(core, decimal_comma).map_err(|hint| format!("“{shown}” {hint}"))?
    };
    let number = if plain.contains(['e', 'E']) {
        Decimal::from_scientific(&plain)
    } else {
        plain.parse()
    };
    let number = number.map_err(|_| unreadable())?;
    Ok(if negative { -number } else { number })
}

/// Takes the thousands' separators out and makes the decimal mark a point.
fn without_groups(core: &str, decimal_comma: bool) -> Result<String, &'static str> {
    const HINT: &str =
        "could be meant with a decimal comma; say so with --decimal-comma, or write 1234.50";
    let core: String = core
        .chars()
        .filter(|letter| !letter.is_whitespace() && *letter != '\'')
        .collect();
    let point = match (core.rfind('.'), core.rfind(',')) {
        (Some(point), Some(comma)) => {
            if point > comma {
                '.'
            } else {
                ','
            }
        }
        _ => {
            if decimal_comma {
                ','
            } else {
                '.'
            }
        }
    };
    let group = if point == '.' { ',' } else { '.' };
    let (whole, fraction) = core.split_once(point).unwrap_or((&core, ""));
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let grouped = whole.contains(group);
    let well_grouped =
        !grouped || ((1..=3).contains(&first.len()) && groups.all(|digits| digits.len() == 3));
    if !well_grouped || fraction.contains([point, group]) {
        return Err(HINT);
    }
    let whole = whole.replace(group, "");
    Ok(if fraction.is_empty() {
        whole
    } else {
        format!("{whole}.{fraction}")
    })
}

/// Reads a whole number; `10.0` and `1,234` are ones.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn whole(cell: &str, decimal_comma: bool) -> Result<i32, String> {
    let number = decimal(cell, decimal_comma)?.normalize();
    if number.scale() > 0 {
        return Err(format!("“{}” is not a whole number", cell.trim()));
    }
    i32::try_from(number).map_err(|_| format!("“{}” is too large a number", cell.trim()))
}

/// Reads yes or no, in the words that CRMs write.
///
/// # Errors
/// A sentence saying what is wrong with the cell.
pub fn yes(cell: &str) -> Result<bool, String> {
    match bare(cell).as_str() {
        "true" | "1" | "yes" | "y" | "t" | "x" | "done" => Ok(true),
        "false" | "0" | "no" | "n" | "f" | "todo" => Ok(false),
        _ => Err(format!("“{}” is neither true nor false", cell.trim())),
    }
}
