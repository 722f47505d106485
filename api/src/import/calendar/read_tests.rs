use chrono::TimeZone;
use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2017, 4, 3, 12, 0, 0).unwrap()
}

fn event(lines: &[&str]) -> Read {
    let text = format!("BEGIN:VCALENDAR\nBEGIN:VEVENT\n{}\nEND:VEVENT\nEND:VCALENDAR\n", lines.join("\n"));
    read(&Lines::of(text.as_bytes()), chrono_tz::Europe::Berlin, now())
}

fn starts(read: &Read) -> Vec<String> {
    read.occurrences.iter().map(|one| one.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)).collect()
}

#[test]
fn calendars_are_told_from_other_files() {
    for text in ["BEGIN:VCALENDAR", "\u{FEFF}\nbegin:vcalendar\n", "BEGIN:VEVENT"] {
        assert!(is_calendar(&Lines::of(text.as_bytes())), "{text}");
    }
    for text in ["", "BEGIN", "BEGIN:", "Termin", "id,at", "\u{FEFF}", "BEGIN:ü"] {
        assert!(!is_calendar(&Lines::of(text.as_bytes())), "{text}");
    }
}

#[test]
fn times_are_in_the_calendar_s_zones_or_ours() {
    for (start, expected) in [
        ("DTSTART:20170403T093000Z", "2017-04-03T09:30:00Z"),
        ("DTSTART:20170403T093000", "2017-04-03T07:30:00Z"),
        ("DTSTART;TZID=America/New_York:20170403T093000", "2017-04-03T13:30:00Z"),
        ("DTSTART;TZID=Eastern Standard Time:20170403T093000", "2017-04-03T13:30:00Z"),
        ("DTSTART;TZID=\"Eastern Standard Time\":20170403T093000", "2017-04-03T13:30:00Z"),
        ("DTSTART;TZID=custom_America/New_York:20170403T093000", "2017-04-03T13:30:00Z"),
        ("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Vienna:20170103T093000", "2017-01-03T08:30:00Z"),
        ("DTSTART;VALUE=DATE:20170403", "2017-04-03T10:00:00Z"),
        ("DTSTART:20170403", "2017-04-03T10:00:00Z"),
    ] {
        assert_eq!(starts(&event(&[start])), [expected], "{start}");
    }
    let unknown = event(&["DTSTART;TZID=Narnia:20170403T093000"]);
    assert_eq!(unknown.left, [Left { line: 2, why: "its time zone “Narnia” is unknown".to_owned() }]);
}

#[test]
fn what_repeats_keeps_to_the_clock_that_it_was_planned_by() {
    // We are in Berlin.
    let daily = "RRULE:FREQ=DAILY;COUNT=3";
    for (lines, expected) in [
        (["DTSTART:20170201T093000Z", daily, ""], vec!["01T09:30", "02T09:30", "03T09:30"]),
        (["DTSTART:20170201T093000", daily, ""], vec!["01T08:30", "02T08:30", "03T08:30"]),
        (["DTSTART;TZID=Asia/Tokyo:20170201T093000", daily, ""], vec!["01T00:30", "02T00:30", "03T00:30"]),
        // Days that are left out, in whichever zone: without one, in the event's own, even where UTC is said.
        (["DTSTART:20170201T093000Z", daily, "EXDATE:20170202T093000Z"], vec!["01T09:30", "03T09:30"]),
        (["DTSTART:20170201T093000", daily, "EXDATE:20170202T093000"], vec!["01T08:30", "03T08:30"]),
        (["DTSTART:20170201T093000", daily, "EXDATE:20170202T093000Z"], vec!["01T08:30", "03T08:30"]),
        (["DTSTART;TZID=Asia/Tokyo:20170201T093000", daily, "EXDATE:20170202T003000Z"], vec!["01T00:30", "03T00:30"]),
        // Until an instant, which is an hour of the day there: the last is at that instant, or a second after it.
        (
            ["DTSTART;TZID=Asia/Tokyo:20170201T093000", "RRULE:FREQ=DAILY;UNTIL=20170202T003000Z", ""],
            vec!["01T00:30", "02T00:30"],
        ),
        (
            ["DTSTART;TZID=America/New_York:20170201T093000", "RRULE:FREQ=DAILY;UNTIL=20170202T142959Z", ""],
            vec!["01T14:30"],
        ),
        (["DTSTART;VALUE=DATE:20170201", "RRULE:FREQ=DAILY;UNTIL=20170201T230000Z", ""], vec!["01T11:00", "02T11:00"]),
    ] {
        let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        let expected: Vec<String> = expected.iter().map(|start| format!("2017-02-{start}:00Z")).collect();
        assert_eq!(starts(&event(&lines)), expected, "{lines:?}");
    }
}

#[test]
fn a_time_that_a_clock_change_leaves_out_or_shows_twice_has_an_instant() {
    // Clocks in New York go forward on 12 March 2017 at two, and back on 5 November.
    for (start, rule, expected) in [
        ("20170312T023000", "SUMMARY:Once", vec!["2017-03-12T07:30:00Z"]),
        ("20161106T013000", "SUMMARY:Once", vec!["2016-11-06T05:30:00Z"]),
        (
            "20170311T023000",
            "RRULE:FREQ=DAILY;COUNT=3",
            vec!["2017-03-11T07:30:00Z", "2017-03-12T07:30:00Z", "2017-03-13T06:30:00Z"],
        ),
        (
            "20161105T013000",
            "RRULE:FREQ=DAILY;COUNT=3",
            vec!["2016-11-05T05:30:00Z", "2016-11-06T05:30:00Z", "2016-11-07T06:30:00Z"],
        ),
    ] {
        assert_eq!(starts(&event(&[&format!("DTSTART;TZID=America/New_York:{start}"), rule])), expected, "{start}");
    }
    let night =
        event(&["DTSTART;TZID=America/New_York:20170312T003000", "DTEND;TZID=America/New_York:20170312T033000"]);
    assert_eq!(night.occurrences[0].minutes, Some(120));
}

#[test]
fn an_occurrence_that_was_moved_takes_the_place_of_what_was_planned() {
    // Programs count up SEQUENCE of what they move, and not of the rest.
    for (sequence, day) in [
        ("SEQUENCE:2", "RECURRENCE-ID;TZID=America/New_York:20170202T093000"),
        ("SEQUENCE:0", "RECURRENCE-ID:20170202T143000Z"),
    ] {
        let text = format!(
            "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nSEQUENCE:0\nDTSTART;TZID=America/New_York:20170201T093000\nRRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\n\
             BEGIN:VEVENT\nUID:1\n{sequence}\n{day}\nDTSTART:20170202T200000Z\nEND:VEVENT\nEND:VCALENDAR\n"
        );
        let read = read(&Lines::of(text.as_bytes()), chrono_tz::Europe::Berlin, now());
        assert_eq!(starts(&read), ["2017-02-01T14:30:00Z", "2017-02-03T14:30:00Z", "2017-02-02T20:00:00Z"], "{day}");
        assert_eq!(read.occurrences[2].id, "1#20170202", "{day}");
    }
}

fn summary(lines: &[&str]) -> Vec<String> {
    event(lines).occurrences.iter().map(|one| format!("{} {}", one.id, one.at.format("%FT%H:%MZ"))).collect()
}

#[test]
fn a_series_that_moves_keeps_its_days() {
    let rule = "RRULE:FREQ=WEEKLY;COUNT=2";
    let at = |time: &str| summary(&["UID:1", &format!("DTSTART;TZID=Europe/Berlin:20170320T{time}"), rule]);
    assert_eq!(at("090000"), ["1#20170320 2017-03-20T08:00Z", "1#20170327 2017-03-27T07:00Z"]);
    assert_eq!(at("100000"), ["1#20170320 2017-03-20T09:00Z", "1#20170327 2017-03-27T08:00Z"]);
    let twice = summary(&["UID:1", "DTSTART:20170320T090000Z", "RRULE:FREQ=DAILY;COUNT=3;BYHOUR=9,15"]);
    assert_eq!(twice[..2], ["1#20170320T090000 2017-03-20T09:00Z", "1#20170320T150000 2017-03-20T15:00Z"]);
}

#[test]
fn mixed_value_types_are_read_as_their_authors_meant() {
    let start = "DTSTART;TZID=America/New_York:20170201T093000";
    let days = |lines: &[&str]| -> Vec<String> {
        starts(&event(lines)).into_iter().map(|start| start[8..16].to_owned()).collect()
    };
    assert_eq!(days(&[start, "RRULE:FREQ=DAILY;COUNT=3", "EXDATE;VALUE=DATE:20170202"]), ["01T14:30", "03T14:30"]);
    assert_eq!(days(&[start, "RRULE:FREQ=DAILY;UNTIL=20170202"]), ["01T14:30", "02T14:30"]);
    assert_eq!(
        days(&["DTSTART;VALUE=DATE:20170201", "RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20170202T000000"]),
        ["01T11:00", "03T11:00"]
    );
    let text = format!(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\n{start}\nRRULE:FREQ=DAILY;COUNT=2\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:1\nRECURRENCE-ID;VALUE=DATE:20170202\nDTSTART:20170202T200000Z\nEND:VEVENT\nEND:VCALENDAR\n"
    );
    let moved = read(&Lines::of(text.as_bytes()), Tz::UTC, now());
    assert_eq!(starts(&moved), ["2017-02-01T14:30:00Z", "2017-02-02T20:00:00Z"]);
}

#[test]
fn the_calendar_s_own_zone_counts_before_its_name() {
    let zone = |offset: &str| {
        format!(
            "BEGIN:VTIMEZONE\nTZID:(UTC+05:30) Anywhere\nBEGIN:STANDARD\nDTSTART:16010101T000000\nTZOFFSETFROM:{offset}\n\
             TZOFFSETTO:{offset}\nEND:STANDARD\nEND:VTIMEZONE\n"
        )
    };
    let text = format!(
        "BEGIN:VCALENDAR\n{}BEGIN:VEVENT\nDTSTART;TZID=\"(UTC+05:30) Anywhere\":20170403T093000\nEND:VEVENT\nEND:VCALENDAR\n",
        zone("+0530")
    );
    assert_eq!(starts(&read(&Lines::of(text.as_bytes()), Tz::UTC, now())), ["2017-04-03T04:00:00Z"]);
    // A rule of Outlook's, which starts in 1601, against the IANA zone that it describes.
    let outlook = "BEGIN:VTIMEZONE\nTZID:Mine\nBEGIN:STANDARD\nDTSTART:16010101T030000\nTZOFFSETFROM:+0200\nTZOFFSETTO:+0100\n\
         RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10\nEND:STANDARD\nBEGIN:DAYLIGHT\nDTSTART:16010101T020000\n\
         TZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3\nEND:DAYLIGHT\nEND:VTIMEZONE\n";
    for (local, utc) in [
        ("20170403T093000", "2017-04-03T07:30:00Z"),
        ("20170103T093000", "2017-01-03T08:30:00Z"),
        ("20171029T033000", "2017-10-29T02:30:00Z"),
    ] {
        let text =
            format!("BEGIN:VCALENDAR\n{outlook}BEGIN:VEVENT\nDTSTART;TZID=Mine:{local}\nEND:VEVENT\nEND:VCALENDAR\n");
        assert_eq!(starts(&read(&Lines::of(text.as_bytes()), Tz::UTC, now())), [utc], "{local}");
    }
}

#[test]
fn times_without_a_zone_are_the_calendar_s() {
    let text =
        "BEGIN:VCALENDAR\nX-WR-TIMEZONE:Asia/Tokyo\nBEGIN:VEVENT\nDTSTART:20170403T093000\nEND:VEVENT\nEND:VCALENDAR\n";
    assert_eq!(starts(&read(&Lines::of(text.as_bytes()), Tz::UTC, now())), ["2017-04-03T00:30:00Z"]);
    for zone in ["tzone://Microsoft/Utc", "(UTC) Coordinated Universal Time"] {
        assert_eq!(
            starts(&event(&[&format!("DTSTART;TZID=\"{zone}\":20170403T093000")])),
            ["2017-04-03T09:30:00Z"],
            "{zone}"
        );
    }
}

#[test]
fn the_newest_version_counts_and_what_was_called_off_is_canceled() {
    let part = |sequence: i64, hour: i64| {
        format!("BEGIN:VEVENT\nUID:1\nSEQUENCE:{sequence}\nDTSTART:20170403T{hour:02}0000Z\nEND:VEVENT\n")
    };
    let text = format!("BEGIN:VCALENDAR\n{}END:VCALENDAR\nBEGIN:VCALENDAR\n{}END:VCALENDAR\n", part(2, 15), part(1, 9));
    assert_eq!(starts(&read(&Lines::of(text.as_bytes()), Tz::UTC, now())), ["2017-04-03T15:00:00Z"]);
    let canceled = |lines: &str| {
        let text = format!(
            "BEGIN:VCALENDAR\n{lines}\nBEGIN:VEVENT\nDTSTART:20170403T090000Z\nSUMMARY:Canceled: Lunch\nEND:VEVENT\nEND:VCALENDAR"
        );
        read(&Lines::of(text.as_bytes()), Tz::UTC, now()).occurrences[0].canceled
    };
    assert!(canceled("VERSION:2.0"));
    let method = "BEGIN:VCALENDAR\nMETHOD:CANCEL\nBEGIN:VEVENT\nDTSTART:20170403T090000Z\nEND:VEVENT\nEND:VCALENDAR";
    assert!(read(&Lines::of(method.as_bytes()), Tz::UTC, now()).occurrences[0].canceled);
    assert!(!event(&["DTSTART:20170403T090000Z", "SUMMARY:Canceled orders"]).occurrences[0].canceled);
}

#[test]
fn who_declined_is_told_apart() {
    let read = event(&[
        "DTSTART:20170403T090000Z",
        "ORGANIZER:mailto:Client@x.example",
        "ATTENDEE;PARTSTAT=DECLINED:MAILTO:me@x.example",
        "ATTENDEE:mailto:me@x.example",
    ]);
    assert_eq!(read.occurrences[0].people, ["client@x.example"]);
    assert_eq!(read.occurrences[0].declined, ["me@x.example"]);
}

#[test]
fn how_long_it_takes_is_told_where_a_touch_can_take_so_long() {
    for (end, minutes) in [
        ("DTEND:20170403T101500Z", Some(45)),
        ("DURATION:PT1H30M", Some(90)),
        ("DURATION:P1D", Some(1_440)),
        ("DURATION:P2D", None),
        ("DTEND:20170403T093000Z", None),
        ("DTEND:20170403T083000Z", None),
        ("SUMMARY:No end", None),
    ] {
        let read = event(&["DTSTART:20170403T093000Z", end]);
        assert_eq!(read.occurrences.first().map(|one| one.minutes), Some(minutes), "{end}: {read:?}");
    }
}

#[test]
fn an_event_without_a_name_is_known_by_what_it_says() {
    let id = |lines: &[&str]| event(lines).occurrences[0].id.clone();
    let start = "DTSTART:20170403T093000Z";
    assert_eq!(id(&["UID: x ", start]), "x");
    assert_eq!(id(&["SUMMARY:A", start]), id(&["SUMMARY:A", start]));
    assert_ne!(id(&["SUMMARY:A", start]), id(&["SUMMARY:B", start]));
    assert!(id(&[&format!("UID:{}", "x".repeat(500)), start]).len() < 200);
}

#[test]
fn what_is_read_besides_has_reasons() {
    let text = "BEGIN:VCALENDAR\nBEGIN:VTODO\nEND:VTODO\nBEGIN:VEVENT\nDTSTART:soon\nEND:VEVENT\nBEGIN:VJOURNAL\nEND:VJOURNAL\nEND:VCALENDAR\nX\n";
    let read = read(&Lines::of(text.as_bytes()), Tz::UTC, now());
    let left: Vec<(u64, &str)> = read.left.iter().map(|left| (left.line, left.why.as_str())).collect();
    assert_eq!(
        left,
        [
            (2, "is a to-do, not an event"),
            (7, "is a journal entry, not an event"),
            (4, "has no start that can be read")
        ]
    );
    assert_eq!(read.remarks, ["1 lines outside of any calendar were left aside"]);
}

#[test]
fn what_never_comes_and_what_never_ends_is_bounded() {
    let never = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"]);
    assert!(never.occurrences.len() <= 1, "{never:?}");
    let daily = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY"]);
    // From 1 January to 2 July, ninety days from now.
    assert_eq!(daily.occurrences.len(), 31 + 28 + 31 + 30 + 31 + 30 + 2);
    assert!(daily.remarks[0].contains("repeats without end"), "{:?}", daily.remarks);
    let far = event(&["DTSTART:20170101T090000Z", "RRULE:FREQ=DAILY;UNTIL=99991231T000000Z"]);
    assert_eq!(far.occurrences.last(), daily.occurrences.last());
}

/// Lines of events, sound and unsound.
fn any_line() -> impl Strategy<Value = String> {
    let time = prop_oneof![
        "[0-9]{8}T[0-9]{6}Z?",
        "(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|2[0-9])(T([01][0-9])[0-5][0-9]00Z?)?",
        Just("99991231T235959Z".to_owned()),
        Just("00010101T000000".to_owned()),
        "\\PC{0,12}",
    ];
    let rule = "FREQ=(YEARLY|MONTHLY|WEEKLY|DAILY|HOURLY|MINUTELY|SECONDLY)(;COUNT=[0-9]{1,4})?(;INTERVAL=[0-9]{1,5})?(;BYDAY=-?[0-9]{0,2}(MO|SU|XX))?(;BYMONTHDAY=-?[0-9]{1,2})?(;BYSETPOS=-?[0-9]{1,3})?(;BYWEEKNO=-?[0-9]{1,2})?(;UNTIL=[0-9]{8})?";
    let name =
        "(DTSTART|DTEND|RECURRENCE-ID|EXDATE|RDATE|CREATED)(;TZID=(Europe/Berlin|Narnia|Pacific/Apia))?(;VALUE=DATE)?";
    prop_oneof![
        (name, time).prop_map(|(name, time)| format!("{name}:{time}")),
        rule.prop_map(|rule| format!("RRULE:{rule}")),
        "DURATION:-?P([0-9]{1,9}[WD])?(T[0-9]{1,9}[HMS])?",
        "(BEGIN|END):(VEVENT|VCALENDAR|VTIMEZONE|VTODO|VALARM|VCARD|X)",
        "(UID|SUMMARY|ATTENDEE|ORGANIZER|STATUS|SEQUENCE)(;PARTSTAT=[A-Z]{0,5})?:\\PC{0,20}",
        "\\PC{0,30}",
        " \\PC{0,30}",
    ]
}

proptest! {
    #[test]
    fn a_calendar_of_another_library_reads_back_the_same_instants(
        events in prop::collection::vec((0_i64..4_000_000_000, 1_i32..1_400, "[a-zé;,\\\\ ]{0,90}"), 1..8),
    ) {
        use icalendar::{Component as _, EventLike as _};
        let mut calendar = icalendar::Calendar::new();
        let mut expected = Vec::new();
        for (number, (second, minutes, title)) in events.iter().enumerate() {
            let start = DateTime::from_timestamp(*second, 0).unwrap();
            let end = start + TimeDelta::minutes(i64::from(*minutes));
            let mut event = icalendar::Event::new();
            event.uid(&number.to_string()).summary(title).starts(start).ends(end);
            calendar.push(event.done());
            expected.push((number.to_string(), start, Some(*minutes)));
        }
        let read = read(&Lines::of(calendar.to_string().as_bytes()), Tz::UTC, now());
        let mut found: Vec<_> = read.occurrences.into_iter().map(|one| (one.id, one.at, one.minutes)).collect();
        found.sort_by_key(|(id, ..)| id.parse::<usize>().unwrap());
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn zones_and_series_of_another_library_read_back_the_same_instants(
        events in prop::collection::vec((0_i64..1_450_000_000, 0_usize..4, 1_i64..5), 1..6),
    ) {
        use icalendar::{CalendarDateTime, Component as _, EventLike as _};
        let zones = [Tz::America__New_York, Tz::Asia__Kathmandu, Tz::Australia__Lord_Howe, Tz::Europe__Dublin];
        let mut calendar = icalendar::Calendar::new();
        let mut expected = Vec::new();
        for (number, (second, zone, count)) in events.into_iter().enumerate() {
            let zone = zones[zone];
            let local = DateTime::from_timestamp(second, 0).unwrap().naive_utc();
            let mut event = icalendar::Event::new();
            let start = CalendarDateTime::WithTimezone { date_time: local, tzid: zone.name().to_owned() };
            event.uid(&number.to_string()).summary("Series").starts(start);
            if count > 1 {
                event.add_property("RRULE", format!("FREQ=WEEKLY;COUNT={count}"));
            }
            calendar.push(event.done());
            for week in 0..count {
                // Times that a clock change repeats or leaves out may be read in two ways.
                let instant = zone.from_local_datetime(&(local + TimeDelta::weeks(week))).single();
                prop_assume!(instant.is_some());
                expected.extend(instant.map(|instant| instant.to_utc()));
            }
        }
        let read = read(&Lines::of(calendar.to_string().as_bytes()), Tz::UTC, now());
        prop_assert!(read.left.is_empty(), "{:?}", read.left);
        let mut found: Vec<_> = read.occurrences.into_iter().map(|one| one.at).collect();
        found.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_calendar_is_too_strange(lines in prop::collection::vec(any_line(), 0..25)) {
        let _ = event(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let _ = read(&Lines::of(lines.join("\r\n").as_bytes()), Tz::UTC, now());
    }
}
