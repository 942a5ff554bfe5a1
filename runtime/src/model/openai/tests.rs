//! The client against a mock server: golden bodies, answers, errors.

use std::time::{Duration, SystemTime};

use proptest::{prelude::*, sample::Index};
use serde_json::{Value as Json, json};
use wiremock::{
    Mock, MockServer, ResponseTemplate,
    matchers::{any as any_request, method, path},
};

use super::*;
use crate::fuzz;
use crate::model::{
    Finish, Message, Role, Sampling, Shape, Usage,
    providers::{self, Settings},
};

const KEY: &str = "sk-secret-0123456789";

fn request() -> Request {
    Request {
        messages: vec![Message::new(Role::System, "Route."), Message::new(Role::User, "Where is \"it\"?\n")],
        sampling: Sampling::default(),
        shape: Shape::Free,
        replicate: 0,
    }
}

fn config(base_url: &str) -> OpenAi {
    OpenAi {
        name: "openai/m".into(),
        model: "m".into(),
        base_url: base_url.to_owned(),
        key_env: Some("UNUSED".into()),
    }
}

async fn serve(answer: ResponseTemplate) -> (MockServer, ChatModel) {
    let server = MockServer::start().await;
    Mock::given(any_request()).respond_with(answer).mount(&server).await;
    let model = config(&format!("{}/v1/", server.uri())).open_with(Some(KEY.into())).unwrap();
    (server, model)
}

fn answer(content: &str) -> Json {
    json!({"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]})
}

async fn ask(status: u16, body: Json) -> Result<Reply, CallError> {
    let (_server, model) = serve(ResponseTemplate::new(status).set_body_json(body)).await;
    model.complete(&request()).await
}

/// The exact bytes for a request, as sent to a host.
fn body(host: &str, request: &Request) -> String {
    serde_json::to_string(&Body::new("m", &endpoint(host).unwrap(), request)).unwrap()
}

#[test]
fn a_plain_request_has_this_body() {
    let messages = r#"[{"role":"system","content":"Route."},{"role":"user","content":"Where is \"it\"?\n"}]"#;
    assert_eq!(
        body("http://localhost/v1", &request()),
        format!(r#"{{"model":"m","messages":{messages},"temperature":0.0,"max_tokens":512}}"#)
    );
    assert_eq!(
        body("https://api.openai.com/v1", &request()),
        format!(r#"{{"model":"m","messages":{messages},"temperature":0.0,"max_completion_tokens":512}}"#)
    );
}

#[test]
fn a_full_request_has_this_body() {
    let request = Request {
        messages: vec![Message::new(Role::User, "?")],
        sampling: Sampling {
            temperature: 0.7,
            top_p: 0.95,
            max_tokens: 64,
            seed: u64::MAX,
            stop: vec!["\n\n".into(), "END".into()],
        },
        shape: Shape::Schema(json!({"type": "object", "properties": {"b": {}, "a": {}}})),
        replicate: 3,
    };
    let expected = concat!(
        r#"{"model":"m","messages":[{"role":"user","content":"?"}],"temperature":0.7,"top_p":0.95,"#,
        r#""max_tokens":64,"seed":2,"stop":["\n\n","END"],"response_format":{"type":"json_schema","#,
        r#""json_schema":{"name":"reply","strict":true,"schema":{"type":"object","properties":{"b":{},"a":{}}}}}}"#
    );
    assert_eq!(body("http://localhost/v1", &request), expected);
}

#[test]
fn defaults_of_the_protocol_and_choices_are_not_sent() {
    let shape = Shape::Choice { choices: vec!["a".into()], content_free: vec![] };
    let sampling = Sampling { temperature: 1.0, ..Sampling::default() };
    let request = Request { messages: vec![], sampling, shape, replicate: 0 };
    assert_eq!(
        body("http://localhost/v1", &request),
        r#"{"model":"m","messages":[],"max_tokens":512,"seed":0}"#
    );
}

#[tokio::test]
async fn the_body_and_the_key_are_sent() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer("billing")))
        .mount(&server)
        .await;
    let base = format!("{}/v1/", server.uri());
    let model = config(&base).open_with(Some(format!("{KEY}\n").into())).unwrap();
    assert_eq!(model.complete(&request()).await.unwrap().text, "billing");
    let sent = &server.received_requests().await.unwrap()[0];
    assert_eq!(String::from_utf8_lossy(&sent.body), body(&base, &request()));
    assert_eq!(sent.headers["authorization"], format!("Bearer {KEY}"));
    assert_eq!(sent.headers["content-type"], "application/json");
    assert_eq!(model.identity().fingerprint, format!("{}/v1", server.uri()));
}

#[tokio::test]
async fn a_server_named_by_base_url_gets_only_the_key_named_for_it() {
    let server = MockServer::start().await;
    Mock::given(any_request())
        .respond_with(ResponseTemplate::new(200).set_body_json(answer("x")))
        .mount(&server)
        .await;
    let settings = |key_env: Option<&str>| Settings {
        base_url: Some(server.uri()),
        key_env: key_env.map(str::to_owned),
    };
    // CARGO_PKG_NAME is set whenever a test runs.
    for key_env in [None, Some("CARGO_PKG_NAME")] {
        let model = providers::open("qwen/qwen3-8b", &settings(key_env)).unwrap();
        model.complete(&request()).await.unwrap();
        let sent = server.received_requests().await.unwrap().pop().unwrap();
        let expected = key_env.map(|_| "Bearer proofmark-runtime");
        assert_eq!(sent.headers.get("authorization").map(|value| value.to_str().unwrap()), expected);
        assert_eq!(serde_json::from_slice::<Json>(&sent.body).unwrap()["model"], "qwen/qwen3-8b");
    }
    let missing = providers::open("m", &settings(Some("PROOFMARK_NO_SUCH_KEY"))).err().unwrap();
    assert_eq!(missing.to_string(), "`m` needs a key: set the environment variable PROOFMARK_NO_SUCH_KEY");
}

#[test]
fn bad_base_urls_are_refused_and_their_secrets_hidden() {
    for bad in ["localhost:8000/v1", "ftp://host/v1", "nonsense", "http://"] {
        let error = config(bad).open_with(None).err().unwrap();
        assert!(matches!(error, OpenError::BadBaseUrl { .. }), "{bad}: {error}");
    }
    for secret in ["https://user:hunter2@host/v1", "https://host/v1?key=hunter2", "https://u:hunter2@a b/v1"]
    {
        let error = config(secret).open_with(None).err().unwrap();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
    let error = config("http://host").open_with(Some("sk-\u{1}x".into())).err().unwrap();
    assert!(!format!("{error:?}").contains("sk-"));
}

#[tokio::test]
async fn usage_finish_and_refusals_are_read() {
    let usage =
        json!({"prompt_tokens": 10, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 8}});
    let choice = |message: Json, reason: &str| json!({"choices": [{"message": message, "finish_reason": reason}], "usage": usage});
    let read = async |body| ask(200, body).await.map(|reply| (reply.text, reply.finish, reply.usage));
    let tokens = Usage { input: 10, cached: 8, output: 4 };
    let cases = [
        (json!({"content": "a"}), "stop", "a", Finish::Stop),
        (json!({"content": "a", "reasoning_content": "hm"}), "length", "a", Finish::Length),
        (json!({"content": null, "reasoning": "hm"}), "length", "", Finish::Length),
        (json!({"content": ""}), "content_filter", "", Finish::Filtered),
        (json!({"content": null, "refusal": "I cannot"}), "stop", "", Finish::Filtered),
        (json!({"content": "a", "refusal": ""}), "", "a", Finish::Stop),
        (json!({"content": [{"type": "text", "text": "a"}, {"type": "thinking"}]}), "eos", "a", Finish::Stop),
    ];
    for (message, reason, text, finish) in cases {
        assert_eq!(read(choice(message, reason)).await, Ok((text.to_owned(), finish, tokens)));
    }
    let bare = json!({"choices": [{"message": {"content": "a"}}], "usage": null});
    assert_eq!(read(bare).await, Ok(("a".to_owned(), Finish::Stop, Usage::default())));
}

#[tokio::test]
async fn malformed_answers_are_unreadable() {
    for odd in [
        json!({}),
        json!({"choices": []}),
        json!([1]),
        json!({"choices": [{"message": {"content": null, "tool_calls": [{}]}}]}),
        json!({"choices": [{"text": "old protocol"}]}),
    ] {
        let error = ask(200, odd.clone()).await.unwrap_err();
        assert!(matches!(error, CallError::Unreadable { .. }), "{odd}: {error}");
    }
    let (_server, model) = serve(ResponseTemplate::new(200).set_body_string("<html>Sign in</html>")).await;
    let error = model.complete(&request()).await.unwrap_err().to_string();
    assert!(error.contains("<html>Sign in"), "{error}");
}

#[tokio::test]
async fn statuses_and_codes_decide_the_class() {
    let name = |result: Result<Reply, CallError>| match result {
        Ok(reply) => format!("{:?}", reply.finish),
        Err(error) => format!("{error:?}").split([' ', '{']).next().unwrap_or_default().to_owned(),
    };
    let cases = [
        (401, "", "Unauthorized"),
        (403, "", "Unauthorized"),
        (400, "unsupported_value", "Refused"),
        (402, "", "Refused"),
        (404, "model_not_found", "Refused"),
        (429, "rate_limit_exceeded", "RateLimited"),
        (429, "insufficient_quota", "Refused"),
        (400, "content_filter", "Filtered"),
        (408, "", "Unavailable"),
        (500, "", "Unavailable"),
        (503, "", "Unavailable"),
        (529, "overloaded", "Unavailable"),
    ];
    for (status, code, class) in cases {
        let result = ask(status, json!({"error": {"message": "what happened", "code": code}})).await;
        if let Err(error) = &result {
            assert!(error.to_string().contains("what happened"), "{error}");
        }
        assert_eq!(name(result), class, "{status} {code}");
    }
    let routed =
        json!({"error": {"code": 429, "message": "Provider returned error", "metadata": {"raw": "busy"}}});
    let error = ask(200, routed).await.unwrap_err();
    assert!(matches!(error, CallError::RateLimited { .. }) && error.to_string().ends_with("error: busy"));
}

#[tokio::test]
async fn a_prompt_that_is_too_long_is_reported_with_its_size() {
    let openai =
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.";
    let vllm = "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens (8500 in the \
                messages, 500 in the completion).";
    for error in [
        json!({"error": {"message": openai, "code": "context_length_exceeded"}}),
        json!({"object": "error", "message": vllm, "code": 400}),
        json!({"error": {"type": "exceed_context_size_error", "message": "m", "n_prompt_tokens": 9000, "n_ctx": 8192}}),
    ] {
        let expected = CallError::TooLong { model: "openai/m".into(), tokens: 9000, limit: 8192 };
        assert_eq!(ask(400, error).await, Err(expected));
    }
}

#[tokio::test]
async fn retry_after_is_read_in_all_its_forms() {
    let wait = async |status, header: &str, value: &str| {
        let answer = ResponseTemplate::new(status).insert_header(header, value);
        match serve(answer).await.1.complete(&request()).await.unwrap_err() {
            CallError::RateLimited { retry_after, .. } => retry_after,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(wait(429, "retry-after", "7").await, Some(Duration::from_secs(7)));
    assert_eq!(wait(503, "retry-after", "0.5").await, Some(Duration::from_millis(500)));
    assert_eq!(wait(429, "retry-after-ms", "250").await, Some(Duration::from_millis(250)));
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let until = wait(429, "retry-after", &date).await.unwrap();
    assert!((3000..=3600).contains(&until.as_secs()), "{until:?}");
    assert_eq!(wait(429, "retry-after", "Thu, 01 Jan 1970 00:00:00 GMT").await, Some(Duration::ZERO));
    for nonsense in ["soon", "-1", "NaN", "1e400"] {
        assert_eq!(wait(429, "retry-after", nonsense).await, None, "{nonsense}");
    }
}

proptest! {
    #![proptest_config(fuzz::cases(300))]

    #[test]
    fn any_answer_of_a_server_is_read_or_refused(
        status in 0..1000_u16,
        place in any::<Index>(),
        value in fuzz::json(),
        changes in fuzz::changes(),
        wait in "[0-9eE.+-]{0,12}|[ -~]{0,40}",
    ) {
        let full = json!({
            "choices": [{"message": {"content": [{"text": "a"}], "refusal": null, "tool_calls": []}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 3}},
            "error": {"message": "maximum context length is 8 tokens, not 9", "code": 429, "metadata": {"raw": "x"}},
        });
        let mut headers = reqwest::header::HeaderMap::new();
        for name in ["retry-after", "retry-after-ms", "location"] {
            headers.insert(name, HeaderValue::from_str(&wait).unwrap());
        }
        let bytes = fuzz::changed(full.to_string().as_bytes(), &changes);
        let other = fuzz::with_value(full, place, value).to_string();
        for bytes in [bytes, other.into_bytes()] {
            let _ = answer::read("m", &bytes);
            let _ = ServerError::new(status, &headers, &bytes).classify("m");
        }
    }
}

#[tokio::test]
async fn errors_never_contain_the_key() {
    let echo = json!({"error": {"message": format!("Incorrect API key provided: {KEY}.")}});
    for status in [200, 400, 401, 429, 500] {
        let error = ask(status, echo.clone()).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains(KEY), "{error}");
    }
}

#[tokio::test]
async fn a_redirect_is_reported_and_not_followed() {
    let answer = ResponseTemplate::new(301).insert_header("location", "https://elsewhere/v1");
    let (server, model) = serve(answer).await;
    let error = model.complete(&request()).await.unwrap_err();
    assert!(matches!(error, CallError::Refused { .. }) && error.to_string().contains("https://elsewhere/v1"));
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Port 9 (discard) is not listened on.
    let model = config("http://127.0.0.1:9/v1").open_with(None).unwrap();
    let error = model.complete(&request()).await.unwrap_err();
    assert!(error.is_transient() && error.to_string().contains("refused"), "{error}");
}
