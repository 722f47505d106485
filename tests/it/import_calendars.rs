//! Calendars as touches: `callshot import --as touches` of .ics files.

use std::io::Write as _;
use std::path::Path;

use callshot::import::report::Counts;
use serde_json::{Value, json};
use tests::imports::{Desk, import, reasons};
use tests::{Member, World, on_both_databases};

const WORDS: &str = "--as touches --from work-calendar";

fn event(lines: &str) -> String {
    format!("BEGIN:VEVENT\r\n{}\r\nEND:VEVENT\r\n", lines.trim().replace("\n            ", "\r\n"))
}

fn calendar(events: &[String]) -> String {
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Test//EN\r\n{}END:VCALENDAR\r\n", events.concat())
}

async fn touches(who: &Member) -> Vec<Value> {
    let fields = "at durationMinutes status kind subject notes account { name } contacts { name } user { name } externalIds { source id }";
    let answer = who.query(&format!("{{ touches(orderBy: {{field: AT}}) {{ nodes {{ {fields} }} }} }}")).await;
    answer.data("touches.nodes").as_array().unwrap().clone()
}

#[on_both_databases]
async fn events_with_known_people_become_touches(world: &World) {
    let ann = world.seller("Ann").await;
    let acme = ann.account(json!({"name": "Acme"})).await;
    ann.contact(&acme, json!({"name": "Jo", "email": "jo@acme.com"})).await;
    ann.contact(&acme, json!({"name": "Kay", "email": "kay@acme.com"})).await;
    let globex = ann.account(json!({"name": "Globex"})).await;
    ann.contact(&globex, json!({"name": "Lee", "email": "lee@globex.com"})).await;
    let anns = format!("ORGANIZER;CN=Ann:mailto:{}", ann.email());
    let desk = Desk::new();
    let file = desk.file(
        "work.ics",
        calendar(&[
            event(&format!(
                "UID:1
            SUMMARY:Review\\, yearly
            DESCRIPTION:Budget\\nand plans
            DTSTART;TZID=Europe/Berlin:20170403T093000
            DTEND;TZID=Europe/Berlin:20170403T110000
            {anns}
            ATTENDEE;PARTSTAT=ACCEPTED:mailto:JO@acme.com
            ATTENDEE;PARTSTAT=DECLINED:mailto:kay@acme.com
            ATTENDEE:mailto:lee@globex.com
            ATTENDEE:mailto:kay.other@acme.com"
            )),
            event(
                "UID:2
            SUMMARY:Lunch
            DTSTART:20170404T110000Z
            STATUS:CANCELLED
            ATTENDEE:mailto:kay@acme.com",
            ),
            event(
                "UID:3
            SUMMARY:Fair
            DTSTART;VALUE=DATE:20170405
            ATTENDEE:mailto:lee@globex.com",
            ),
            event(
                "UID:4
            SUMMARY:Dentist
            DTSTART:20170405T110000Z",
            ),
            event(
                "UID:5
            DTSTART:20170405T110000Z
            ATTENDEE:mailto:stranger@example.com",
            ),
            event(
                "UID:6
            DTSTART;TZID=Narnia:20170405T110000
            ATTENDEE:mailto:jo@acme.com",
            ),
            event(
                "UID:7
            DTSTART;TZID=/example.org/20070129_1/America/New_York:20900405T110000
            DURATION:PT45M
            ATTENDEE:mailto:jo@acme.com",
            ),
        ]),
    );
    let report = import(world.server(), WORDS, &[&file]).await.unwrap();
    assert_eq!(
        reasons(&report),
        [
            (29, "names no people but our own"),
            (34, "none of the people invited is a known contact: stranger@example.com"),
            (39, "its time zone “Narnia” is unknown"),
        ]
    );
    let said = touches(world.admin()).await;
    let of = |id: &str| json!([{"source": "work-calendar", "id": id}]);
    let admin = world.admin().name();
    let expected = [
        json!({"at": "2017-04-03T07:30:00Z", "durationMinutes": 90, "status": "COMPLETED", "kind": "MEETING", "subject": "Review, yearly",
            "notes": "Budget\nand plans", "account": {"name": "Acme"}, "contacts": [{"name": "Jo"}], "user": {"name": "Ann"}, "externalIds": of("1")}),
        json!({"at": "2017-04-04T11:00:00Z", "durationMinutes": null, "status": "CANCELED", "kind": "MEETING", "subject": "Lunch", "notes": null,
            "account": {"name": "Acme"}, "contacts": [{"name": "Kay"}], "user": {"name": admin}, "externalIds": of("2")}),
        json!({"at": "2017-04-05T12:00:00Z", "durationMinutes": null, "status": "COMPLETED", "kind": "MEETING", "subject": "Fair", "notes": null,
            "account": {"name": "Globex"}, "contacts": [{"name": "Lee"}], "user": {"name": admin}, "externalIds": of("3")}),
        json!({"at": "2090-04-05T15:00:00Z", "durationMinutes": 45, "status": "SCHEDULED", "kind": "MEETING", "subject": null, "notes": null,
            "account": {"name": "Acme"}, "contacts": [{"name": "Jo"}], "user": {"name": admin}, "externalIds": of("7")}),
    ];
    assert_eq!(said, expected);
    let left_out = report.lines.iter().find(|line| line.line == 4).unwrap();
    assert_eq!(left_out.wrong, "people of other accounts were left out: lee@globex.com");
    // Again, nothing changes; and with an account for the rest, only what cannot be read is left.
    let again = import(world.server(), WORDS, &[&file]).await.unwrap();
    assert_eq!(again.rows, Counts { unchanged: 4, failed: 3, ..Counts::default() });
    let words = format!("{WORDS} --default-account Everybody --dry-run");
    let dry = import(world.server(), &words, &[&file]).await.unwrap();
    let words = format!("{WORDS} --default-account Everybody");
    let rest = import(world.server(), &words, &[&file]).await.unwrap();
    assert_eq!((dry.rows, rest.rows), (rest.rows, Counts { created: 2, unchanged: 4, failed: 1, ..Counts::default() }));
}

#[on_both_databases]
async fn what_repeats_becomes_a_touch_each_within_bounds(world: &World) {
    let admin = world.admin();
    let acme = admin.account(json!({"name": "Acme"})).await;
    admin.contact(&acme, json!({"name": "Jo", "email": "jo@acme.com"})).await;
    let desk = Desk::new();
    let weekly = [
        event(
            "UID:weekly
            SUMMARY:Weekly
            DTSTART;TZID=Europe/Berlin:20170320T090000
            DURATION:PT30M
            RRULE:FREQ=WEEKLY;COUNT=4
            EXDATE;TZID=Europe/Berlin:20170403T090000
            ATTENDEE:mailto:jo@acme.com",
        ),
        event(
            "UID:weekly
            SUMMARY:Weekly, later
            RECURRENCE-ID;TZID=Europe/Berlin:20170327T090000
            DTSTART;TZID=Europe/Berlin:20170327T140000
            DURATION:PT30M
            ATTENDEE:mailto:jo@acme.com",
        ),
    ];
    let file = desk.file("weekly.ics", calendar(&weekly));
    let report = import(world.server(), WORDS, &[&file]).await.unwrap();
    assert!(reasons(&report).is_empty() && report.remarks.is_empty(), "{report:?}");
    let said: Vec<(String, String, String)> = touches(admin)
        .await
        .iter()
        .map(|touch| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&touch["at"]), text(&touch["subject"]), text(&touch["externalIds"][0]["id"]))
        })
        .collect();
    // Clocks go forward between the first and the second; the third is left out.
    let row = |at: &str, subject: &str, id: &str| (at.to_owned(), subject.to_owned(), format!("weekly#{id}"));
    let expected = [
        row("2017-03-20T08:00:00Z", "Weekly", "20170320"),
        row("2017-03-27T12:00:00Z", "Weekly, later", "20170327"),
        row("2017-04-10T07:00:00Z", "Weekly", "20170410"),
    ];
    assert_eq!(said, expected);
    assert_eq!(
        import(world.server(), WORDS, &[&file]).await.unwrap().rows,
        Counts { unchanged: 3, ..Counts::default() }
    );

    // Without end, and every second without end: bounded, and said.
    let endless = [
        event(
            "UID:daily
            SUMMARY:Daily
            DTSTART:20160104T090000Z
            RRULE:FREQ=DAILY
            ATTENDEE:mailto:jo@acme.com",
        ),
        event(
            "UID:second
            SUMMARY:Every second
            DTSTART:20170104T090000Z
            RRULE:FREQ=SECONDLY
            ATTENDEE:mailto:jo@acme.com",
        ),
    ];
    let file = desk.file("endless.ics", calendar(&endless));
    let report = import(world.server(), WORDS, &[&file]).await.unwrap();
    assert_eq!(report.rows, Counts { created: 2_000, ..Counts::default() });
    assert_eq!(report.remarks.len(), 2);
    assert!(report.remarks[0].contains("line 4: “Daily” repeats without end"), "{:?}", report.remarks);
    assert!(report.remarks[1].contains("of the first 50000"), "{:?}", report.remarks);
    let answer =
        admin.query("{ touches(last: 1, orderBy: {field: AT}, filter: {status: [SCHEDULED]}) { totalCount } }").await;
    assert_eq!(answer.data("touches.totalCount"), &json!(90));
}

#[on_both_databases]
async fn what_is_no_calendar_is_refused(world: &World) {
    let desk = Desk::new();
    let fine = desk.file("fine.ics", calendar(&[]));
    let report = import(world.server(), WORDS, &[&fine]).await.unwrap();
    assert_eq!(report.rows, Counts::default());
    let refusal = async |words: &str, files: &[&Path]| import(world.server(), words, files).await.unwrap_err();
    assert!(refusal("--as contacts --from work", &[&fine]).await.contains("--as touches"));
    for (name, text) in [("empty.ics", ""), ("text.ics", "Dear calendar"), ("table.ics", "id,at\n1,2")] {
        let file = desk.file(name, text);
        assert!(refusal(WORDS, &[&file]).await.contains("is no calendar"), "{name}");
    }
    let table = desk.file("touches.csv", "id,at\n1,2017-01-01");
    assert!(refusal(WORDS, &[&fine, &table]).await.contains("touches.csv"));
    // What is broken has reasons, and the rest is read.
    let broken = desk.file("broken.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:1\nDTSTART:20170101T000000Z\nBEGIN:VTODO\nEND:VEVENT\nEND:VCALENDAR\nBEGIN:VEVENT");
    let report = import(world.server(), WORDS, &[&broken]).await.unwrap();
    assert!(report.rows.failed >= 1 && report.rows.failed == report.rows.total(), "{report:?}");
}

#[on_both_databases]
async fn calendars_of_other_programs_end_in_rows_or_reasons(world: &World) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/icalendar/fixtures");
    let Ok(files) = std::fs::read_dir(&folder) else {
        // Not `eprintln!`, which the test runner keeps to itself where a test passes.
        let _ =
            writeln!(std::io::stderr(), "LEFT OUT: {} is not here, and what would be tested with it", folder.display());
        return;
    };
    let words = format!("{WORDS} --default-account Everybody");
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert_eq!(files.len(), 17);
    for file in files {
        let report = import(world.server(), &words, &[&file]).await.unwrap();
        println!(
            "{}: {} {:?} {:?}",
            file.file_name().unwrap().display(),
            report.rows,
            reasons(&report),
            report.remarks
        );
        let text = std::fs::read_to_string(&file).unwrap();
        let listed = ["VEVENT", "VTODO", "VJOURNAL"].map(|part| text.matches(&format!("BEGIN:{part}")).count());
        assert!(report.rows.total() >= listed.iter().sum(), "{}: {report:?}", file.display());
    }
}
