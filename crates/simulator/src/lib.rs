//! Simulated sales organizations whose true parameters are known.
//!
//! A [`Scenario`] says how large the organization is, how many years it has behind it, and by which [`Truth`] its clients
//! behave. A [`Simulation`] of it goes through those years day by day and yields what people did on each, as [`Act`]s in the
//! order of time: the same acts for the same scenario. It knows no database and no GraphQL; `callshot demo` writes the acts
//! into a database through the rules of the product, and tests compare what estimators find with the truth.
//!
//! What happens to clients (`trouble`, `opening`, `revenue`) is drawn from another sequence of random numbers than what
//! sellers do (`touching`, `listing`, `planning`) and what texts they write (`words`), so that a new text does not change
//! who wins.

pub mod act;
mod calendar;
mod listing;
mod market;
mod numbers;
mod observed;
mod opening;
mod planning;
mod random;
mod readiness;
mod revenue;
mod scenario;
mod simulation;
mod touching;
mod trouble;
mod truth;
mod words;

pub use act::{Act, Deed};
pub use market::{Company, Duty, Person, Role, Staff};
pub use numbers::{
    AccountNumber, ActionNumber, BenchmarkNumber, ContactNumber, MeetingNumber, Moment, ObjectiveNumber,
    OpportunityNumber, PlanNumber, PromiseNumber, QuestionNumber, StaffNumber, TargetNumber, TouchNumber,
    TriggerNumber,
};
pub use observed::{ClientYear, Observed};
pub use random::Random;
pub use scenario::{ORGANIZATION, Scenario, Size};
pub use simulation::{Simulation, World};
pub use truth::Truth;
pub use words::CRITERIA;
