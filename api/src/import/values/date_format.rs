//! How a column writes its dates: decided for all of its cells together.

use chrono::NaiveDate;

use super::dates::{Counted, day_of, numbers};

/// The order of day, month and year in dates such as 3/4/17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DateOrder {
    /// Day, month, year: 4 March 2017 is 4/3/17.
    Dmy,
    /// Month, day, year: 4 March 2017 is 3/4/17.
    Mdy,
    /// Year, month, day: 4 March 2017 is 17-03-04.
    Ymd,
}

/// How a column writes its dates. Dates with periods are decided apart from those with slashes and hyphens, since a
/// column may hold both `4.3.2017` and `3/14/2017`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DateFormat {
    /// The order in dates such as 04.03.17.
    pub(super) dotted: Option<DateOrder>,
    /// The order in dates such as 04/03/17 and 04-03-17.
    pub(super) other: Option<DateOrder>,
}

impl From<DateOrder> for DateFormat {
    fn from(order: DateOrder) -> Self {
        Self { dotted: Some(order), other: Some(order) }
    }
}

/// The reason why the order of a column's dates cannot be decided.
#[derive(Debug, PartialEq, Eq)]
pub enum Undecided {
    /// Every date can be read in several ways; this cell is the first whose readings differ.
    Ambiguous {
        /// The line of the cell.
        line: u64,
        /// The cell.
        cell: String,
        /// The orders that fit every date of the column.
        orders: Vec<DateOrder>,
    },
    /// Two lines fit no common order.
    Contradicting {
        /// The first line.
        first: u64,
        /// The line that fits none of the orders that all lines before it allow.
        second: u64,
    },
}

/// Decides how a column writes its dates, from all of its cells and never cell by cell.
#[derive(Default)]
pub struct DateColumn {
    dotted: Orders,
    other: Orders,
    contradiction: Option<Undecided>,
}

impl DateColumn {
    /// Looks at a cell.
    pub fn note(&mut self, line: u64, cell: &str) {
        let Some((parts, separator, _)) = numbers(cell.trim()) else { return };
        let orders = if separator == '.' { &mut self.dotted } else { &mut self.other };
        if self.contradiction.is_none() {
            self.contradiction = orders.note(line, cell.trim(), &readings(&parts, separator)).err();
        }
    }

    /// Decides.
    ///
    /// # Errors
    /// [`Undecided`] where the cells allow several orders, or no common one.
    pub fn decided(self) -> Result<DateFormat, Undecided> {
        match self.contradiction {
            Some(contradiction) => Err(contradiction),
            None => Ok(DateFormat { dotted: self.dotted.decided()?, other: self.other.decided()? }),
        }
    }
}

/// Decides how a whole column writes its dates.
#[cfg(test)]
pub fn decide_dates<'a>(cells: impl Iterator<Item = (u64, &'a str)>) -> Result<DateFormat, Undecided> {
    let mut column = DateColumn::default();
    cells.for_each(|(line, cell)| column.note(line, cell));
    column.decided()
}

/// A date as it reads in one order.
type Reading = (DateOrder, NaiveDate);

/// The orders that fit all dates seen so far.
#[derive(Default)]
struct Orders {
    fitting: Option<Vec<DateOrder>>,
    first: u64,
    /// Cells whose readings differ, the first for each pair of readings that differ.
    differing: Vec<(u64, String, Vec<Reading>)>,
}

impl Orders {
    fn note(&mut self, line: u64, cell: &str, readings: &[(DateOrder, NaiveDate)]) -> Result<(), Undecided> {
        // A date that exists in no order fails its own row and decides nothing.
        if readings.is_empty() {
            return Ok(());
        }
        let orders: Vec<DateOrder> = readings.iter().map(|(order, _)| *order).collect();
        match &mut self.fitting {
            None => (self.fitting, self.first) = (Some(orders), line),
            Some(fitting) => {
                let before = fitting.len();
                fitting.retain(|order| orders.contains(order));
                if fitting.is_empty() {
                    return Err(Undecided::Contradicting { first: self.first, second: line });
                }
                if fitting.len() < before {
                    self.first = line;
                }
            }
        }
        let differ = |pair: [DateOrder; 2]| {
            let of = |order| readings.iter().find(|(known, _)| *known == order).map(|(_, date)| *date);
            of(pair[0]).zip(of(pair[1])).is_some_and(|(left, right)| left != right)
        };
        let new = PAIRS.iter().any(|pair| {
            differ(*pair)
                && !self.differing.iter().any(|(_, _, known)| {
                    pair.iter().all(|order| known.iter().any(|(other, _)| other == order))
                        && known.iter().any(|(order, date)| {
                            *order == pair[0] && known.iter().any(|(other, day)| *other == pair[1] && day != date)
                        })
                })
        });
        if new {
            self.differing.push((line, cell.to_owned(), readings.to_vec()));
        }
        Ok(())
    }

    fn decided(self) -> Result<Option<DateOrder>, Undecided> {
        let fitting = self.fitting.unwrap_or_default();
        for (line, cell, readings) in self.differing {
            let mut days: Vec<NaiveDate> =
                readings.iter().filter(|(order, _)| fitting.contains(order)).map(|(_, day)| *day).collect();
            days.sort_unstable();
            days.dedup();
            if days.len() > 1 {
                return Err(Undecided::Ambiguous { line, cell, orders: fitting });
            }
        }
        Ok(fitting.first().copied())
    }
}

const PAIRS: [[DateOrder; 2]; 3] =
    [[DateOrder::Dmy, DateOrder::Mdy], [DateOrder::Dmy, DateOrder::Ymd], [DateOrder::Mdy, DateOrder::Ymd]];

/// Returns the days that three numbers may mean, by order; empty where the year stands first with four digits, which
/// needs no decision, and where no order gives a day that exists.
fn readings(parts: &Counted, separator: char) -> Vec<(DateOrder, NaiveDate)> {
    if parts[0].1 == 4 {
        return Vec::new();
    }
    let short_year = parts[2].1 <= 2;
    [DateOrder::Dmy, DateOrder::Mdy, DateOrder::Ymd]
        .into_iter()
        .filter(|order| match order {
            DateOrder::Dmy => true,
            DateOrder::Mdy => separator != '.',
            DateOrder::Ymd => short_year && parts[0].1 == 2,
        })
        .filter(|order| *order == DateOrder::Ymd || parts[2].1 != 1)
        .filter_map(|order| Some((order, day_of(parts, order)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::dates::moment;
    use super::*;

    fn decide(cells: &[&str]) -> Result<DateFormat, Undecided> {
        decide_dates((2_u64..).zip(cells.iter().copied()))
    }

    fn slashes(order: DateOrder) -> DateFormat {
        DateFormat { dotted: None, other: Some(order) }
    }

    #[test]
    fn a_whole_column_decides_the_order() {
        for (cells, order) in [
            (&["3/4/2017", "3/14/2017"][..], DateOrder::Mdy),
            (&["3/4/2017", "14/3/17"], DateOrder::Dmy),
            (&["3/4/2017 9:00", "3/14/2017 2:30 PM"], DateOrder::Mdy),
            (&["12/31/24", "01/02/25"], DateOrder::Mdy),
            (&["31-12-98", "01-02-97"], DateOrder::Dmy),
            (&["98-12-31", "97-02-01"], DateOrder::Ymd),
            (&["24-3-5", "24-12-31"], DateOrder::Ymd),
        ] {
            assert_eq!(decide(cells), Ok(slashes(order)), "{cells:?}");
        }
        assert_eq!(decide(&["04.03.17", "31.12.98"]).unwrap().dotted, Some(DateOrder::Dmy));
        assert_eq!(decide(&["2017-03-04", "soon", "", "30/30/2017"]), Ok(DateFormat::default()));
        assert!(decide(&["4.3.2017", "3/14/2017", "5/5/2017"]).is_ok());
        assert_eq!(decide(&["13/4/2017", "4/13/2017"]), Err(Undecided::Contradicting { first: 2, second: 3 }));
    }

    #[test]
    fn what_can_be_read_in_several_ways_is_left_to_a_declaration() {
        use DateOrder::{Dmy, Mdy, Ymd};
        for (cells, line, orders) in [
            (&["5/5/2017", "3/4/2017"][..], 3, vec![Dmy, Mdy]),
            (&["24-03-05", "24-12-31", "25-01-15"], 2, vec![Dmy, Ymd]),
            (&["14/3/17", "28/2/17"], 2, vec![Dmy, Ymd]),
            (&["04.03.17"], 2, vec![Dmy, Ymd]),
            (&["03/04/05"], 2, vec![Dmy, Mdy, Ymd]),
        ] {
            match decide(cells) {
                Err(Undecided::Ambiguous { line: at, orders: found, .. }) => {
                    assert_eq!((at, found), (line, orders), "{cells:?}");
                }
                other => panic!("{cells:?}: {other:?}"),
            }
        }
        let read = |order: DateOrder| moment("24-03-05", order.into()).unwrap().day(chrono_tz::Tz::UTC).to_string();
        assert_eq!((read(Ymd), read(Dmy)), ("2024-03-05".to_owned(), "2005-03-24".to_owned()));
    }
}
