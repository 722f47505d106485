//! Tests of the protocol's rules without a connection.

use serde_json::{Value, json};

use super::*;

const SUBSCRIBE: &str = r#"{"type":"subscribe","id":"1","payload":{"query":"{ me { id } }"}}"#;

fn opened() -> Conversation {
    let limits = Limits { first_message: Duration::from_secs(10), idle: Duration::from_secs(75) };
    Conversation::new(limits, Arc::new(Activity::new()))
}

fn accepted() -> Conversation {
    let conversation = opened();
    assert_eq!(conversation.receive(br#"{"type":"connection_init"}"#), Verdict::Pass);
    assert_eq!(sent(&conversation, &json!({"type": "connection_ack"})), Some(json!({"type": "connection_ack"})));
    conversation
}

/// Returns what the client gets for a message of the library.
fn sent(conversation: &Conversation, from_library: &Value) -> Option<Value> {
    match conversation.send(Message::Text(from_library.to_string().into()))? {
        Message::Text(text) => Some(serde_json::from_str(&text).unwrap()),
        other => panic!("{other:?}"),
    }
}

fn code(verdict: Verdict) -> u16 {
    match verdict {
        Verdict::Close(frame) => frame.code,
        other => panic!("{other:?}"),
    }
}

/// Whether a request is forwarded to the library, by a number.
fn is_forwarded(conversation: &Conversation, request: &str) -> bool {
    let verdict = conversation.receive(request.as_bytes());
    let Verdict::Forward(forwarded) = &verdict else { panic!("{verdict:?}") };
    let forwarded: Value = serde_json::from_str(forwarded).unwrap();
    let request: Value = serde_json::from_str(request).unwrap();
    let taken = conversation.take(forwarded["payload"]["query"].as_str().unwrap()).unwrap();
    assert!(conversation.state().requests.is_empty());
    forwarded["id"] == request["id"] && serde_json::from_slice::<Value>(&taken).unwrap() == request["payload"]
}

/// Sends the library's messages for a response and the end of its operation.
fn answered(conversation: &Conversation, id: &str, text: &str, refused: bool) -> Vec<Value> {
    let number = conversation.keep(Finished { text: text.to_owned(), refused });
    let messages =
        [json!({"type": "next", "id": id, "payload": {"data": number}}), json!({"type": "complete", "id": id})];
    messages.iter().filter_map(|message| sent(conversation, message)).collect()
}

#[test]
fn messages_out_of_order_close_the_connection_with_the_protocols_codes() {
    assert_eq!(code(opened().receive(SUBSCRIBE.as_bytes())), 4401);
    let introduced = opened();
    assert_eq!(introduced.receive(br#"{"type":"connection_init","payload":{}}"#), Verdict::Pass);
    assert_eq!(code(introduced.receive(SUBSCRIBE.as_bytes())), 4401);
    assert_eq!(code(introduced.receive(br#"{"type":"connection_init"}"#)), 4429);
    let conversation = accepted();
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    assert_eq!(code(conversation.receive(SUBSCRIBE.as_bytes())), 4409);
    for wrong in [
        "",
        "{",
        "[]",
        "7",
        r#"{"id":"1"}"#,
        r#"{"type":"start","id":"2","payload":{"query":"{a}"}}"#,
        r#"{"type":"connection_terminate"}"#,
        r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
        r#"{"type":"subscribe","id":"2"}"#,
        r#"{"type":"subscribe","id":7,"payload":{}}"#,
    ] {
        assert_eq!(code(accepted().receive(wrong.as_bytes())), 4400, "{wrong}");
    }
}

#[test]
fn a_response_is_put_into_its_message_and_a_refusal_replaces_the_end() {
    let conversation = accepted();
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    assert_eq!(
        answered(&conversation, "1", r#"{"data":{"n":1.50}}"#, false),
        [json!({"type": "next", "id": "1", "payload": {"data": {"n": 1.50}}}), json!({"type": "complete", "id": "1"})]
    );
    // The id is free again.
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    assert_eq!(
        answered(&conversation, "1", r#"[{"message":"no"}]"#, true),
        [json!({"type": "error", "id": "1", "payload": [{"message": "no"}]})]
    );
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    assert!(conversation.state().finished.is_empty());
}

#[test]
fn a_canceled_operation_is_not_answered_though_its_id_is_used_again() {
    let conversation = accepted();
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    assert_eq!(conversation.receive(br#"{"type":"complete","id":"1"}"#), Verdict::Pass);
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    // The library reports the end of the first only now.
    assert_eq!(answered(&conversation, "1", r#"{"data":"old"}"#, false), [] as [Value; 0]);
    assert_eq!(answered(&conversation, "1", r#"{"data":"new"}"#, false).len(), 2);
    // A message for an operation that is over changes nothing.
    assert_eq!(conversation.receive(br#"{"type":"complete","id":"1"}"#), Verdict::Pass);
    assert!(conversation.state().canceled.is_empty() && conversation.state().operations.is_empty());
}

#[test]
fn the_number_of_operations_is_bounded() {
    let conversation = accepted();
    let subscribe = |number: usize| json!({"type": "subscribe", "id": number.to_string(), "payload": {}}).to_string();
    for number in 0..OPERATIONS {
        assert!(is_forwarded(&conversation, &subscribe(number)));
    }
    let Verdict::Answer(refusal) = conversation.receive(subscribe(99).as_bytes()) else { panic!("passed") };
    let refusal: Value = serde_json::from_str(&refusal).unwrap();
    assert_eq!((&refusal["type"], &refusal["id"]), (&json!("error"), &json!("99")));
    assert_eq!(refusal["payload"][0]["extensions"]["code"], "LIMIT_EXCEEDED");
    assert_eq!(answered(&conversation, "3", "{}", false).len(), 2);
    assert!(is_forwarded(&conversation, &subscribe(99)));
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_without_an_introduction_when_idle_and_with_its_token() {
    let begun = Instant::now();
    let silent = opened();
    assert_eq!((silent.ends().await.code, begun.elapsed().as_secs()), (4408, 10));

    let (begun, idle) = (Instant::now(), accepted());
    tokio::time::advance(Duration::from_secs(50)).await;
    idle.heard();
    assert_eq!((idle.ends().await.code, begun.elapsed().as_secs()), (4499, 50 + 75));

    let (begun, expiring) = (Instant::now(), accepted());
    expiring.expires_in(Duration::from_secs(100));
    assert!(is_forwarded(&expiring, SUBSCRIBE));
    // It is not idle while an operation is in progress.
    assert_eq!((expiring.ends().await.code, begun.elapsed().as_secs()), (4403, 100));
}

#[tokio::test]
async fn a_stop_waits_for_operations_and_lets_none_begin() {
    let conversation = accepted();
    assert!(is_forwarded(&conversation, SUBSCRIBE));
    let mut finish = std::pin::pin!(conversation.finish());
    assert!(futures_util::poll!(finish.as_mut()).is_pending());
    let late = conversation.receive(br#"{"type":"subscribe","id":"2","payload":{}}"#);
    assert!(matches!(&late, Verdict::Answer(text) if text.contains("RATE_LIMITED")), "{late:?}");
    assert_eq!(answered(&conversation, "1", "{}", false).len(), 2);
    finish.await;
}
