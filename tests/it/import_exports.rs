//! Whole exports of other systems, under the titles that these systems write: accounts, people, deals and activities, which
//! find each other by the ids and names that the system uses.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use callshot::import::report::Counts;
use serde_json::{Value, json};
use tests::imports::{Desk, Imported, import, reasons};
use tests::{World, on_both_databases};
use zip::CompressionMethod::Stored;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::import::{created, load, nodes, unchanged};

/// Imports the files of a system twice: they come in whole, and then nothing changes.
async fn load_all(world: &World, from: &str, files: &[(&str, impl AsRef<[u8]>, usize)]) -> Vec<Imported> {
    let desk = Desk::new();
    let mut reports = Vec::new();
    for (kind, bytes, rows) in files {
        let report = load(world, &format!("--from {from} --as {kind}"), &desk.file("export", bytes)).await;
        assert_eq!(report.rows, created(*rows), "{kind}");
        reports.push(report);
    }
    for (kind, bytes, rows) in files {
        let report = load(world, &format!("--from {from} --as {kind}"), &desk.file("export", bytes)).await;
        assert_eq!(report.rows, unchanged(*rows), "{kind}: {:?}", report.lines);
    }
    reports
}

async fn touches(world: &World) -> Value {
    let fields = "subject kind status at account { name } contacts { name } opportunity { name }";
    let mut touches = nodes(world.admin(), "touches", fields).await;
    touches.sort_by_key(|touch| touch["subject"].to_string());
    json!(touches)
}

fn touch(subject: &str, kind: &str, at: &str, account: &str, contacts: &[&str], opportunity: Option<&str>) -> Value {
    let contacts: Vec<Value> = contacts.iter().map(|name| json!({"name": name})).collect();
    json!({
        "subject": subject, "kind": kind, "status": "COMPLETED", "at": at, "account": {"name": account},
        "contacts": contacts, "opportunity": opportunity.map(|name| json!({"name": name})),
    })
}

/// A cell of a workbook.
enum Cell {
    Text(&'static str),
    Number(f64),
    /// The count of days since the end of 1899.
    Day(f64),
}

/// Writes a workbook of one sheet, as Excel stores it.
fn workbook(titles: &[&'static str], rows: &[Vec<Cell>]) -> Vec<u8> {
    let types = r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
        <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
        <Default Extension="xml" ContentType="application/xml"/></Types>"#;
    let relations = |kind: &str, target: &str| {
        let schema = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        format!(r#"<Relationship Id="{kind}" Type="{schema}/{kind}" Target="{target}"/>"#)
    };
    let related = |all: &str| {
        format!(
            r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{all}</Relationships>"#
        )
    };
    let main = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main""#;
    let book = format!(
        r#"<workbook {main} xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
           <sheets><sheet name="Sheet" sheetId="1" r:id="worksheet"/></sheets></workbook>"#
    );
    let styles = format!(r#"<styleSheet {main}><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs></styleSheet>"#);
    let mut sheet = format!("<worksheet {main}><sheetData><row>");
    for title in titles {
        write!(sheet, r#"<c t="inlineStr"><is><t>{title}</t></is></c>"#).unwrap();
    }
    for row in rows {
        sheet.push_str("</row><row>");
        for cell in row {
            match cell {
                Cell::Text(words) => write!(sheet, r#"<c t="inlineStr"><is><t>{words}</t></is></c>"#),
                Cell::Number(number) => write!(sheet, "<c><v>{number}</v></c>"),
                Cell::Day(number) => write!(sheet, r#"<c s="1"><v>{number}</v></c>"#),
            }
            .unwrap();
        }
    }
    sheet.push_str("</row></sheetData></worksheet>");
    let parts = [
        ("[Content_Types].xml", types.to_owned()),
        ("_rels/.rels", related(&relations("officeDocument", "xl/workbook.xml"))),
        ("xl/workbook.xml", book),
        (
            "xl/_rels/workbook.xml.rels",
            related(&[relations("worksheet", "worksheets/sheet1.xml"), relations("styles", "styles.xml")].concat()),
        ),
        ("xl/styles.xml", styles),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, part) in parts {
        zip.start_file(name, SimpleFileOptions::default().compression_method(Stored)).unwrap();
        zip.write_all(part.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[on_both_databases]
async fn dynamics_workbooks_come_in_whole(world: &World) {
    use Cell::{Day, Number, Text};
    let row = |id: &'static str, rest: Vec<Cell>| {
        let mut row = vec![Text(id), Text("checksum"), Day(45_000.5)];
        row.extend(rest);
        row
    };
    let sheet = |titles: &[&'static str], rows: &[Vec<Cell>]| workbook(titles, rows);
    let accounts = sheet(
        &[
            "(Do Not Modify) Account",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Account Name",
            "Main Phone",
            "Address 1: City",
            "Primary Contact",
        ],
        &[
            row("7ac1e3f0-0001", vec![Text("Acme"), Text("+49 30 1"), Text("Bonn"), Text("Ann Lee")]),
            row("7ac1e3f0-0002", vec![Text("Bolt"), Text(""), Text("Cork"), Text("")]),
        ],
    );
    let contacts = sheet(
        &[
            "(Do Not Modify) Contact",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Full Name",
            "Company Name",
            "Business Phone",
            "Email",
            "Job Title",
        ],
        &[row(
            "7ac1e3f0-0003",
            vec![Text("Ann Lee"), Text("Acme"), Text("+49 30 2"), Text("ann@acme.example"), Text("Buyer")],
        )],
    );
    let opportunities = sheet(
        &[
            "(Do Not Modify) Opportunity",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Topic",
            "Potential Customer",
            "Est. close date",
            "Est. revenue",
            "Actual Close Date",
            "Status",
        ],
        &[
            row(
                "7ac1e3f0-0004",
                vec![Text("Mill"), Text("Acme"), Day(42_798.0), Number(12_400.5), Text(""), Text("Open")],
            ),
            row(
                "7ac1e3f0-0005",
                vec![Text("Saw"), Text("Bolt"), Day(42_798.0), Number(700.0), Day(42_799.0), Text("Won")],
            ),
        ],
    );
    let activities = sheet(
        &[
            "(Do Not Modify) Activity",
            "(Do Not Modify) Row Checksum",
            "(Do Not Modify) Modified On",
            "Subject",
            "Regarding",
            "Activity Type",
            "Activity Status",
            "Start Date",
        ],
        &[
            row(
                "a1",
                vec![
                    Text("1 of an account"),
                    Text("Acme"),
                    Text("Phone Call"),
                    Text("Completed"),
                    Day(42_798.604_166_666_67),
                ],
            ),
            row("a2", vec![Text("2 of a deal"), Text("Saw"), Text("Appointment"), Text("Completed"), Day(42_799.5)]),
            row("a3", vec![Text("3 of a person"), Text("Ann Lee"), Text("Email"), Text("Completed"), Day(42_800.5)]),
        ],
    );
    let files = [
        ("accounts", accounts, 2),
        ("contacts", contacts, 1),
        ("opportunities", opportunities, 2),
        ("touches", activities, 3),
    ];
    load_all(world, "dynamics", &files).await;
    let admin = world.admin();
    let expected =
        json!([{"name": "Acme", "phone": "+49 30 1", "city": "Bonn"}, {"name": "Bolt", "phone": null, "city": "Cork"}]);
    assert_eq!(json!(nodes(admin, "accounts", "name phone city").await), expected);
    let expected = json!([{"name": "Ann Lee", "account": {"name": "Acme"}, "phone": "+49 30 2", "email": "ann@acme.example", "title": "Buyer"}]);
    assert_eq!(json!(nodes(admin, "contacts", "name account { name } phone email title").await), expected);
    let expected = json!([
        {"name": "Mill", "stage": "IDENTIFIED", "amount": {"amount": "12400.50"}, "expectedCloseOn": "2017-03-04", "closedOn": null},
        {"name": "Saw", "stage": "WON", "amount": {"amount": "700.00"}, "expectedCloseOn": "2017-03-04", "closedOn": "2017-03-05"},
    ]);
    let fields = "name stage amount { amount } expectedCloseOn closedOn";
    assert_eq!(json!(nodes(admin, "opportunities", fields).await), expected);
    let expected = json!([
        touch("1 of an account", "CALL", "2017-03-04T14:30:00Z", "Acme", &[], None),
        touch("2 of a deal", "MEETING", "2017-03-05T12:00:00Z", "Bolt", &[], Some("Saw")),
        touch("3 of a person", "EMAIL", "2017-03-06T12:00:00Z", "Acme", &["Ann Lee"], None),
    ]);
    assert_eq!(touches(world).await, expected);
}

#[on_both_databases]
async fn hubspot_associations_are_ids_in_brackets_or_lists_of_ids(world: &World) {
    let files: [(&str, &str, usize); 4] = [
        (
            "accounts",
            "\"Record ID\",\"Company name\",\"Company Domain Name\",\"City\",\"Country/Region\",\"Create Date\"\n\
             \"77\",\"Acme\",\"acme.example\",\"Bonn\",\"Germany\",\"2024-01-02 08:00\"\n\
             \"78\",\"Bolt\",\"\",\"\",\"\",\"2024-01-02 08:00\"\n",
            2,
        ),
        (
            "contacts",
            "Record ID,First Name,Last Name,Email,Phone Number,Create Date,Associated Company,Associated Company IDs\n\
             4421,Marc,Lemaire,marc@acme.example, +12025550100,2024-03-12 09:14,Acme,77;78\n\
             4422,Ann,Lee,,,2024-03-12 09:14,Bolt (78),\n",
            2,
        ),
        (
            "opportunities",
            "Record ID,Deal Name,Pipeline,Deal Stage,Amount,Close Date,Create Date,Associated Company IDs (Primary)\n\
             5,Mill,Sales,Contract Sent,\"95,570.69\",2024-03-12 09:14,2024-01-02 08:00,78\n",
            1,
        ),
        (
            "touches",
            "Record ID,Activity date,Activity type,Call notes,Subject,Associated Contact,Associated Company,Associated Deal\n\
             1,2024-03-12 09:14,Call,Spoke,1 of people,Marc Lemaire (4421),,\n\
             2,2024-03-12 10:14,Meeting,,2 of a company,Ann Lee (4422),Bolt (78),Mill (5)\n\
             3,2024-03-12 11:14,Email,,3 of a deal,,,Mill (5)\n",
            3,
        ),
    ];
    let reports = load_all(world, "hubspot", &files).await;
    let several = &reports[1].lines[0].wrong;
    assert!(several.contains("belongs to several records; 78 were left out"), "{several}");
    let expected = json!([
        {"name": "Ann Lee", "account": {"name": "Bolt"}}, {"name": "Marc Lemaire", "account": {"name": "Acme"}},
    ]);
    let mut contacts = nodes(world.admin(), "contacts", "name account { name }").await;
    contacts.sort_by_key(|contact| contact["name"].to_string());
    assert_eq!(json!(contacts), expected);
    let expected = json!([
        touch("1 of people", "CALL", "2024-03-12T09:14:00Z", "Acme", &["Marc Lemaire"], None),
        touch("2 of a company", "MEETING", "2024-03-12T10:14:00Z", "Bolt", &["Ann Lee"], Some("Mill")),
        touch("3 of a deal", "EMAIL", "2024-03-12T11:14:00Z", "Bolt", &[], Some("Mill")),
    ]);
    assert_eq!(touches(world).await, expected);
}

#[on_both_databases]
async fn zohos_activities_are_related_to_accounts_deals_and_people(world: &World) {
    let files: [(&str, &str, usize); 4] = [
        (
            "accounts",
            "Record Id,Account Owner,Account Name,Phone,Website\nzcrm_1,,Acme,1,acme.example\nzcrm_2,,Bolt,,\n",
            2,
        ),
        (
            "contacts",
            "Record Id,First Name,Last Name,Account Name.id,Account Name,Email\nzcrm_3,Ann,Lee,zcrm_1,Acme,ann@acme.example\n",
            1,
        ),
        (
            "opportunities",
            "Record Id,Deal Name,Account Name.id,Account Name,Contact Name.id,Stage,Amount,Closing Date,Created Time\n\
             zcrm_4,Mill,zcrm_2,Bolt,zcrm_3,Closed Won,\"$12,400.00\",\"Sep 12, 2025\",2025-01-02 10:00:00\n",
            1,
        ),
        (
            "touches",
            "Record Id,Subject,Call Start Time,Call Status,Call Agenda,Related To.id,Contact Name.id\n\
             zcrm_5,1 of an account,2025-03-04 10:00:00,Completed,Prices,zcrm_1,\n\
             zcrm_6,2 of a deal,2025-03-04 11:00:00,Completed,,zcrm_4,\n\
             zcrm_7,3 of a person,2025-03-04 12:00:00,Completed,,,zcrm_3\n",
            3,
        ),
    ];
    load_all(world, "zoho", &files).await;
    let expected = json!([
        touch("1 of an account", "OTHER", "2025-03-04T10:00:00Z", "Acme", &[], None),
        touch("2 of a deal", "OTHER", "2025-03-04T11:00:00Z", "Bolt", &[], Some("Mill")),
        touch("3 of a person", "OTHER", "2025-03-04T12:00:00Z", "Acme", &["Ann Lee"], None),
    ]);
    assert_eq!(touches(world).await, expected);
}

#[on_both_databases]
async fn pipedrives_activities_find_their_account_by_the_deal_or_the_person(world: &World) {
    let titles = "Activity - ID,Activity - Subject,Activity - Type,Activity - Due date,Activity - Due time,Activity - Done,\
                  Activity - Note,Activity - Assigned to user,Activity - Deal,Activity - Contact person,Activity - Organization\n";
    let files: [(&str, String, usize); 4] = [
        ("accounts", "Organization - ID,Organization - Name*\n1,Acme\n2,Bolt\n".to_owned(), 2),
        (
            "contacts",
            "Person - ID,Person - Name,Person - Organization,Person - Email,Person - Phone,Person - Job title\n\
             3,Ann Lee,Acme,ann@acme.example,1,Buyer\n4,Sam Roe,Acme,,,\n5,Sam Roe,Bolt,,,\n"
                .to_owned(),
            3,
        ),
        (
            "opportunities",
            "Deal - ID,Deal - Title,Deal - Value,Deal - Currency,Deal - Stage,Deal - Status,Deal - Organization,\
             Deal - Contact person,Deal - Deal created\n\
             6,Mill,1000,USD,Lead In,Open,Bolt,Sam Roe,2024-01-02 10:00:00\n7,Saw,,,Lead In,Open,Acme,,2024-01-02 10:00:00\n\
             8,Saw,,,Lead In,Open,Bolt,,2024-01-02 10:00:00\n"
                .to_owned(),
            3,
        ),
        (
            "touches",
            format!(
                "{titles}1,1 of a deal,Call,2024-03-12,10:00,Done,,,Mill,,\n\
                 2,2 of a person,Email,2024-03-12,11:00,Done,,,,Ann Lee,\n\
                 3,3 of both,Lunch,2024-03-12,12:00,Done,,,Mill,Sam Roe,\n\
                 4,4 of all,Call,2024-03-12,13:00,Done,,,Saw,Sam Roe,Acme\n\
                 5,5 of nobody known,Call,2024-03-12,14:00,Done,,,,Kay Doe,Acme\n"
            ),
            5,
        ),
    ];
    let reports = load_all(world, "pipedrive", &files).await;
    let unknown = &reports[3].lines[4].wrong;
    assert!(unknown.contains("Activity - Contact person: no contact is called “Kay Doe”"), "{unknown}");
    let expected = json!([
        touch("1 of a deal", "CALL", "2024-03-12T10:00:00Z", "Bolt", &[], Some("Mill")),
        touch("2 of a person", "EMAIL", "2024-03-12T11:00:00Z", "Acme", &["Ann Lee"], None),
        touch("3 of both", "MEETING", "2024-03-12T12:00:00Z", "Bolt", &["Sam Roe"], Some("Mill")),
        touch("4 of all", "CALL", "2024-03-12T13:00:00Z", "Acme", &["Sam Roe"], Some("Saw")),
        touch("5 of nobody known", "CALL", "2024-03-12T14:00:00Z", "Acme", &[], None),
    ]);
    assert_eq!(touches(world).await, expected);

    // What may be either of two is refused, and so is what is not known.
    let rows = format!(
        "{titles}6,Which deal,Call,2024-03-12,10:00,Done,,,Saw,,\n7,Whose,Call,2024-03-12,10:00,Done,,,,Sam Roe,\n\
                        8,None,Call,2024-03-12,10:00,Done,,,Boat,,\n"
    );
    let file = Desk::new();
    let file_path = file.file("activities.csv", rows);
    let report = import(world.server(), "--from pipedrive --as touches", &[&file_path]).await.unwrap();
    assert_eq!(report.rows, Counts { failed: 3, ..Counts::default() });
    for ((line, reason), words) in reasons(&report).into_iter().zip([
        "Activity - Deal: 2 opportunities are called “Saw”; name the one by its id",
        "Activity - Contact person: 2 contacts are called “Sam Roe”; name the one by its id",
        "Activity - Deal: no opportunity is called “Boat”; import the opportunities first",
    ]) {
        assert_eq!(reason, words, "{line}");
    }
}
