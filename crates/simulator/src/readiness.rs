//! Whether we were present, known and valued at an account at an instant, as `docs/figures.md` defines it. This is written
//! independently of the product, so that the two can be compared.

use crate::act::TouchWay;
use crate::market::Role;
use crate::numbers::{AccountNumber, ContactNumber, Moment, count, real};
use crate::simulation::Simulation;

/// A completed touch.
#[derive(Clone, Debug)]
pub(crate) struct MadeTouch {
    /// When it began.
    pub at: Moment,
    /// When it was recorded.
    pub recorded_at: Moment,
    /// The kind.
    pub way: TouchWay,
    /// Whether the client took part.
    pub answered: bool,
    /// Whether the client got something out of it, and acknowledged that.
    pub gift: Option<bool>,
    /// Who took part.
    pub contacts: Vec<ContactNumber>,
}

/// Days in which a touch loses half of its weight.
const HALF_LIFE: f64 = 30.0;
/// The presence from which on we are present.
const THRESHOLD: f64 = 0.5;
/// Days for which an answered touch makes us known.
const KNOWN_DAYS: f64 = 365.0;
/// Days over which value is computed.
const VALUE_DAYS: f64 = 180.0;

impl MadeTouch {
    fn weight(&self) -> f64 {
        let of_way = match (self.way, self.answered) {
            (TouchWay::Meeting, _) => 1.0,
            (TouchWay::Call, true) => 0.7,
            (TouchWay::Event, true) => 0.5,
            (TouchWay::Email | TouchWay::Message | TouchWay::Mail, true) => 0.4,
            _ => 0.15,
        };
        if self.gift == Some(true) { f64::max(of_way, 0.6) } else { of_way }
    }

    const fn is_one_way(&self) -> bool {
        !self.answered && !matches!(self.gift, Some(true)) && !matches!(self.way, TouchWay::Meeting)
    }
}

impl Simulation {
    /// Whether we were ready at an instant, by what was recorded by another one. No account has more than two touches on a
    /// day, and none that overlap, so each touch is an encounter.
    pub(crate) fn was_ready(&self, account: AccountNumber, at: Moment, known_by: Moment) -> bool {
        let known = |touch: &&MadeTouch| touch.at <= at && touch.recorded_at <= known_by;
        let mut touches: Vec<&MadeTouch> = self.accounts[account.0].touches.iter().filter(known).collect();
        touches.sort_by_key(|touch| std::cmp::Reverse(touch.at));
        let mut one_way = 2;
        let mut strength = 0.0;
        for touch in &touches {
            let age = at.days_since(touch.at);
            if touch.is_one_way() {
                if age >= 30.0 || one_way == 0 {
                    continue;
                }
                one_way -= 1;
            }
            strength += touch.weight() * (-age / HALF_LIFE).exp2();
        }
        let recent = |touch: &&&MadeTouch| touch.gift.is_some() && at.days_since(touch.at) < VALUE_DAYS;
        let gifts = count(touches.iter().filter(recent).count());
        let good = count(touches.iter().filter(recent).filter(|touch| touch.gift == Some(true)).count());
        let value = real(good + 1) / real(gifts + 2) * (real(gifts) / 4.0).min(1.0);
        1.0 - f64::exp(-strength) >= THRESHOLD && value >= 0.5 && self.known(account, at, &touches) >= 0.5
    }

    /// Returns the share of the people who decide that know us.
    fn known(&self, account: AccountNumber, at: Moment, touches: &[&MadeTouch]) -> f64 {
        let in_year = |moment: Moment| moment <= at && at.days_since(moment) < KNOWN_DAYS;
        let mut filled = 0;
        for (role, slots, weight) in [(Role::DecisionMaker, 1, 3), (Role::Influencer, 2, 2), (Role::Stakeholder, 2, 1)]
        {
            let people = self.world.companies[account.0].people.iter();
            let knows_us = |contact: &&ContactNumber| {
                let answered =
                    |touch: &&MadeTouch| touch.answered && in_year(touch.at) && touch.contacts.contains(contact);
                self.world.people[contact.0].role == role
                    && (touches.iter().any(answered)
                        || self.contacts[contact.0].relationships.iter().any(|(since, _)| in_year(*since)))
            };
            filled += people.filter(knows_us).count().min(slots) * weight;
        }
        real(count(filled)) / 9.0
    }
}
