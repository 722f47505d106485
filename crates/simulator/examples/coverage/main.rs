//! Prints in how many simulated worlds the 95 % intervals of estimates contain the truth:
//!
//! ```text
//! cargo run --release -p simulator --example coverage -- [WORLDS] [FIRST SEED]
//! ```

mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let numbers: Result<Vec<u64>, _> = std::env::args().skip(1).map(|text| text.parse()).collect();
    let (worlds, first) = match numbers.as_deref() {
        Ok([]) => (200, 1),
        Ok([worlds]) if *worlds > 0 => (*worlds, 1),
        Ok([worlds, first]) if *worlds > 0 => (*worlds, *first),
        _ => {
            eprintln!("coverage [WORLDS] [FIRST SEED]: two numbers, at least one world");
            return ExitCode::from(2);
        }
    };
    print!("{}", table::markdown(&table::table(first..first.saturating_add(worlds)), worlds));
    ExitCode::SUCCESS
}
