//! What sellers write: subjects, notes, opportunities, promises, reasons.

use crate::act::{Gift, TouchWay, Trigger};
use crate::random::Random;

/// The criteria by which accounts are assessed: name, description, weight.
pub const CRITERIA: &[(&str, &str, f64)] = &[
    ("Water intensity", "How much treated water the plant needs, and how much depends on it.", 3.0),
    ("Growth", "Whether sites, lines or shifts are being added.", 2.0),
    ("Age of the equipment", "How soon what is installed must be replaced.", 2.0),
    ("Access", "Whether the people who decide can be met.", 1.5),
    ("Fit", "Whether they buy on total cost and service, rather than on price alone.", 1.0),
];

/// What the organization sells: the name, and the median amount in euros.
pub(crate) const PRODUCTS: &[(&str, f64)] = &[
    ("Reverse osmosis plant", 78_000.0),
    ("Softening plant", 26_000.0),
    ("Cooling water treatment", 34_000.0),
    ("Boiler feed water", 41_000.0),
    ("Legionella monitoring", 12_000.0),
    ("Dosing systems", 15_000.0),
    ("Service contract, three years", 38_000.0),
    ("Membrane retrofit", 29_000.0),
    ("Rinse water recycling", 64_000.0),
    ("Ultrafiltration", 52_000.0),
];

/// What clients order all the time.
pub(crate) const ORDERS: &[&str] = &[
    "Salt and regeneration chemicals",
    "Maintenance by contract",
    "Spare parts",
    "Filter cartridges",
    "Water analysis",
    "Antiscalant, delivered",
    "Biocide program",
    "Membrane cleaning",
    "Emergency call-out",
    "Rental of a mobile plant",
];

/// Competitors, all invented.
pub(crate) const COMPETITORS: &[&str] = &["Hydravell", "Norrbrunn", "Celdane", "Lombarqua"];

const MEETINGS: &[&str] = &[
    "Plant tour: {plant}",
    "Review of the water balance",
    "Workshop on water costs",
    "Presentation of the trial results",
    "Annual review with the management",
    "Site audit of the {plant}",
    "Reference visit",
    "Meeting on next year's investments",
    "Introduction of our service team",
    "Discussion of the maintenance plan",
];

const CALLS: &[&str] = &[
    "Follow-up on the visit",
    "Question about the dosing",
    "How did the start of the {plant} go?",
    "Appointment for a plant tour",
    "Result of the water analysis",
    "Budget for next year",
    "Planned shutdown in summer",
    "New limits for waste water",
];

const EMAILS: &[&str] = &[
    "Analysis report",
    "Comparison of operating costs",
    "Invitation to our open day",
    "Case study: {industry}",
    "Minutes of our meeting",
    "Checklist for the {plant}",
    "Change of the drinking water ordinance",
    "Three ideas for the {plant}",
];

const MESSAGES: &[&str] = &[
    "Confirmation of the appointment",
    "Photo of the finished skid",
    "Congratulations",
    "Short question",
    "Thank you for the tour",
];

const EVENTS: &[&str] = &[
    "Industry fair, our booth",
    "Technical evening on cooling water",
    "Conference of plant engineers",
    "Open day in our workshop",
];

const LETTERS: &[&str] =
    &["Report on a trial, in print", "Handwritten thank-you", "Calendar and service card", "Sample of a membrane"];

/// Returns the subject of a touch.
pub(crate) fn subject(random: &mut Random, way: TouchWay, industry: &str, plant: &str) -> String {
    let of = match way {
        TouchWay::Meeting => MEETINGS,
        TouchWay::Call => CALLS,
        TouchWay::Email => EMAILS,
        TouchWay::Message => MESSAGES,
        TouchWay::Event => EVENTS,
        TouchWay::Mail => LETTERS,
    };
    filled(random.one_of(of), industry, plant)
}

/// Replaces the placeholders of a text.
pub(crate) fn filled(text: &str, industry: &str, plant: &str) -> String {
    text.replace("{industry}", industry).replace("{plant}", plant)
}

const ANSWERED: &[&str] = &[
    "{first} wants to see figures of a plant of similar size before going further.",
    "The {plant} ran without a stop since our last visit; {first} is pleased.",
    "{first} says the budget for next year is decided in October and asked for a rough figure by then.",
    "They lose a shift a month to cleaning. {first} asked what others in {industry} do about it.",
    "{first} introduced the new colleague in maintenance, who used to work with {competitor}.",
    "Water costs rose by a fifth; {first} wants to know where it goes. We offered a balance.",
    "{first} asked whether we can take over the weekly analysis while two colleagues are on leave.",
    "They are content with {competitor} on price, less so with the time it takes until someone comes.",
    "Talked about the hardness after the softener. {first} will send us the log of the last three months.",
    "{first} liked the comparison and has passed it on to the management.",
    "The decision is made by two people: {first}, and the director, whom we have not met.",
    "Energy is the topic now, not water. {first} sees a link to the {plant} if we can show it.",
];

const UNANSWERED: &[&str] = &[
    "Left a message.",
    "No answer. Try again in the morning, when the shift starts.",
    "Sent; no reply so far.",
    "In a meeting; the assistant will pass it on.",
    "On holiday until next week.",
];

/// Returns notes on a touch.
pub(crate) fn notes(random: &mut Random, responded: bool, first: &str, industry: &str, plant: &str) -> String {
    let of = if responded { ANSWERED } else { UNANSWERED };
    let text = filled(random.one_of(of), &industry.to_lowercase(), plant);
    text.replace("{first}", first).replace("{competitor}", random.one_of(COMPETITORS))
}

/// The kinds of value.
pub(crate) const GIFTS: &[Gift] = &[
    Gift::Idea,
    Gift::Idea,
    Gift::Insight,
    Gift::Insight,
    Gift::Insight,
    Gift::Content,
    Gift::Content,
    Gift::Introduction,
    Gift::Help,
    Gift::Help,
];

/// What clients are asked to commit to.
pub(crate) const COMMITMENTS: &[&str] = &[
    "A meeting with the plant manager by the end of the month",
    "A trial of four weeks at the {plant}",
    "Access to the meter data of the last year",
    "A visit to a reference plant",
    "A decision before the budget round",
    "A letter of intent, subject to the trial",
    "Ten minutes with the managing director",
];

/// What sellers promise.
pub(crate) const PROMISES: &[&str] = &[
    "Send the water analysis with our comments",
    "Calculate the payback with their energy price",
    "Bring a reference customer to the next meeting",
    "Clarify the delivery time of the membranes",
    "Send the maintenance plan in their own template",
    "Check whether the pump can be replaced during the shutdown",
    "Put the service engineer in touch with their shift supervisor",
    "Send the safety data sheets in German and Italian",
];

/// Returns what happened in a trigger event.
pub(crate) fn trigger(random: &mut Random, kind: Trigger, plant: &str) -> String {
    let of: &[&str] = match kind {
        Trigger::Dissatisfaction => &[
            "Standstill of the {plant}: {competitor} came only after two days.",
            "Third price increase by {competitor} within a year.",
            "The contact at {competitor} has changed again; no one there knows the {plant} any more.",
            "Complaint about the quality of the water; {competitor} blames the operators.",
            "Announced spare parts have not arrived for six weeks.",
            "The guaranteed consumption of the {plant} is exceeded by a third.",
        ],
        Trigger::LeadershipChange => &[
            "New plant manager, who used another supplier before.",
            "The managing director hands over to the next generation.",
            "New head of purchasing; all framework contracts are reviewed.",
        ],
        Trigger::ContractEnd => &[
            "The service contract with {competitor} ends in half a year.",
            "The rental of the mobile plant expires; they must decide.",
        ],
        Trigger::Expansion => &[
            "A second {plant} is being planned.",
            "They take over a site with an old {plant}.",
            "A third shift starts in autumn; capacity will not do.",
        ],
    };
    random.one_of(of).replace("{plant}", plant).replace("{competitor}", random.one_of(COMPETITORS))
}

/// Why opportunities are lost.
pub(crate) const LOSSES: &[&str] = &[
    "Price: {competitor} was 12 % cheaper",
    "The investment was postponed to the year after next",
    "{competitor} offered a longer guarantee",
    "They repaired the old plant instead",
    "The group's framework contract went to {competitor}",
    "Our contact left, and the project with them",
];

/// Why accounts become targets, where they are no clients yet.
pub(crate) const DREAMS: &[&str] = &[
    "The largest {plant} in my region, and {competitor} is slow to respond. If anything goes wrong there, I want to be the first \
     they call.",
    "They add capacity next year. We know two of the five people who decide, and they answer.",
    "The equipment is fifteen years old, and the new management counts every cubic meter.",
    "Three sites with the same {plant}: one success would open the others.",
    "Our reference in {industry} is their neighbor; the plant managers know each other.",
];

/// Why clients become targets.
pub(crate) const GROWTHS: &[&str] = &[
    "They buy chemicals from us, and their {plant} from others. Service is our way in.",
    "One of three sites is with us and runs best; the other two are open.",
    "They ask us first when something is wrong. That is worth a plan.",
    "Spends far more on water than we see; the head of maintenance would like one supplier.",
];

/// Why proposals are declined.
pub(crate) const DECLINED: &[&str] = &[
    "Too small to grow into a key account. Keep it warm with mailings.",
    "They signed with the competitor for five years in spring. Let us look again when two of those are over.",
    "No one there has answered in a year. First find one person who does.",
];

/// Notes on agreements to targets.
pub(crate) const AGREED: &[&str] = &[
    "Agreed. Meet the plant manager before the end of the quarter.",
    "Yes. Take the service engineer along the first time.",
    "Agreed, if we write down what we do when they are not satisfied.",
    "Good choice. I know the managing director from my former company and will introduce you.",
];

/// Why targets are dropped.
pub(crate) const DROPPED: &[&str] = &[
    "A year of good touches and no opening: the group decides everything centrally.",
    "They build their own water team. Nothing for us in the coming years.",
    "Site will be closed.",
    "I have not managed to be present there, and others deserve the time more.",
];

/// What one-on-ones talk about.
pub(crate) const AGENDA: &[&str] = &[
    "Who decides, and do they know us?",
    "No touch for three weeks. Why?",
    "The goal for the year",
    "The offer, and what could go wrong",
    "Is this still a target?",
    "Candidate for the list",
];

/// Notes on one-on-ones.
pub(crate) const ONE_ON_ONES: &[&str] = &[
    "Calendar for the next two weeks is too empty on Thursdays. Two calls to targets before ten o'clock each day.",
    "Good conversations at the three top targets. The rest of the list gets what is left of the week; that should change.",
    "Went through the goals one by one. Two are behind; we know what to do about one.",
    "Talked about promises: two were late. From now on the day is agreed with the client.",
    "Offer of the month reviewed. The competitor will go down with the price; we answer with the service level.",
    "Plan reviews are due at two accounts. Date set.",
];

/// Notes on reviews of target lists.
pub(crate) const LIST_REVIEWS: &[&str] = &[
    "We stay with the list. The effort goes to the accounts that answer.",
    "Fewer and better: what we drop makes time for two that are about to decide.",
    "Presence is good at most; at three we are known to the wrong people.",
];
