//! What is masked, and what stays. No IO.

use super::*;

#[test]
fn what_looks_like_a_credential_is_masked() {
    for (text, shown) in [
        ("password=hunter2", "password=[redacted]"),
        ("DB_PASSWORD: hunter2 next", "DB_PASSWORD: [redacted] next"),
        ("{\"api_key\":\"abc\",\"a\":1}", "{\"api_key\":[redacted],\"a\":1}"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ("got Bearer abc", "got Bearer [redacted]"),
        ("dial postgres://u:p@db:5432/x failed", "dial postgres://[redacted]@db:5432/x failed"),
        ("key AKIAABCDEFGHIJKLMNOP.", "key [redacted]."),
        ("-----BEGIN RSA PRIVATE KEY----- MII", "[redacted]"),
        ("https://h/?token=abc&x=1", "https://h/?token=[redacted]&x=1"),
        ("https://u:p@h/?token=abc", "https://[redacted]@h/?token=[redacted]"),
        ("{\"password\":\"two words, all\",\"a\":1}", "{\"password\":[redacted] [redacted] [redacted],\"a\":1}"),
        ("password: 'two words' next", "password: [redacted] [redacted] next"),
        ("token=\"a\"b} next", "token=[redacted] next"),
        ("pwd:\"\" DB_TOKEN: abc next", "pwd:[redacted] DB_TOKEN: [redacted] next"),
        ("password: DB_TOKEN: abc next", "password: [redacted] [redacted] next"),
        ("a password=x,token: abc next", "a password=[redacted],token: [redacted] next"),
    ] {
        assert_eq!(redact(text), shown, "{text}");
    }
}

#[test]
fn a_separator_may_be_a_word_of_its_own() {
    for (text, shown) in [
        ("password = hunter2 next", "password = [redacted] next"),
        ("{ \"password\" : \"x y\", \"a\": 1 }", "{ \"password\" : [redacted] [redacted], \"a\": 1 }"),
        ("password => hunter2 next", "password => [redacted] next"),
        ("password  =hunter2,a=b next", "password  =[redacted],a=b next"),
        ("password :=\"x y\" next", "password :=[redacted] [redacted] next"),
        ("password:=\"x y\" next", "password:=[redacted] [redacted] next"),
        ("pwd: token = abc next", "pwd: [redacted] = [redacted] next"),
        ("a,DB_PASS : x", "a,DB_PASS : [redacted]"),
    ] {
        assert_eq!(redact(text), shown, "{text}");
    }
}

#[test]
fn keys_come_in_many_words() {
    for key in [
        "SECRET_KEY",
        "signing-key",
        "encryptionKeys",
        "DB_PASS",
        "--db-pass",
        "pass",
        "Pass",
        "passwords",
        "tokens",
        "credentials",
        "app.secrets",
    ] {
        assert_eq!(redact(&format!("{key}=x next")), format!("{key}=[redacted] next"));
        assert_eq!(redact(&format!("{{\"{key}\":\"x\"}}")), format!("{{\"{key}\":[redacted]"));
    }
}

#[test]
fn every_address_of_a_word_is_masked() {
    for (text, shown) in [
        ("nats://u:p@a:4222,nats://u:p2@b:4222", "nats://[redacted]@a:4222,nats://[redacted]@b:4222"),
        ("a=http://h,postgres://u:p@db", "a=http://h,postgres://[redacted]@db"),
        ("http://h/a;amqp://u:p@q/v", "http://h/a;amqp://[redacted]@q/v"),
        ("mongodb://u:p,q@a,b/x", "mongodb://[redacted]@a,b/x"),
    ] {
        assert_eq!(redact(text), shown, "{text}");
    }
}

#[test]
fn an_escaped_quote_ends_no_value() {
    for (text, shown) in [
        (r#"{"password":"ab\"cd ef"} next"#, r#"{"password":[redacted] [redacted]} next"#),
        (r#"{"password":"ab\\","a":"b c"}"#, r#"{"password":[redacted],"a":"b c"}"#),
        (r#"msg="{\"password\":\"ab\",\"a\":1}" next"#, r#"msg="{\"password\":[redacted],\"a\":1}" next"#),
        (r#"{\"password\":\"ab\\\"cd ef\"} next"#, r#"{\"password\":[redacted] [redacted]} next"#),
    ] {
        assert_eq!(redact(text), shown, "{text}");
    }
}

#[test]
fn a_word_of_many_pairs_takes_no_stack() {
    let many = "token=a,".repeat(50_000);
    assert_eq!(redact(&many).matches(MASK).count(), 50_000);
}

#[test]
fn what_people_need_to_read_stays() {
    for text in [
        "secret \"db\" not found",
        "Error: secret \"foo\" not found",
        "couldn't find key password in Secret shop/db",
        "Back-off pulling image \"10.213.0.2:5000/web:v3\": ErrImagePull",
        "exit code 1: required environment variable DB_PASSWORD is not set",
        "exceeded quota: tight, requested: pods=1, used: pods=2, limited: pods=2",
        "a\n  b",
        "bypass: true, compass=north, passed: 3, passing = 2",
        "the password is wrong = try again",
        "token expired: log in",
        "monkey: 3 keys: 4 key = 5",
        "GET https://h:443/a,b?c=d@e => 200",
        "mail a@b.example: 3 tries",
    ] {
        assert_eq!(redact(text), text);
    }
}

#[test]
fn whatever_stands_before_a_credential_is_masked_and_that_but_once() {
    let words = [
        "password",
        "\"token\"",
        "=",
        ":",
        "=>",
        "pwd:",
        "pwd:\"a",
        "pwd:\\\"a",
        "pwd:'",
        "\"",
        "\\\"",
        "b\",pass",
        "x,",
        "Bearer",
        "a=b",
        "key=\"v\"",
        "token=\\\"a\\\\\\\"b",
        "http://u:p@h,",
        "passwords=a,tokens",
        "\\",
        "'=",
    ];
    for first in words {
        for second in words {
            for third in words {
                let text = [first, second, third].join(" ");
                let masked = redact(&text);
                assert_eq!(redact(&masked), masked, "{text}");
            }
            for announced in [
                "password = hunter2",
                "\"password\" : \"hunter2\"",
                "DB_PASS => hunter2",
                "nats://u:hunter2@a,nats://u:hunter2@b",
                "{\"password\":\"a\\\"b hunter2\"}",
                "{\\\"password\\\":\\\"a\\\\\\\"b hunter2\\\"}",
            ] {
                let text = format!("{first} {second} {announced} {first}");
                assert!(!redact(&text).contains("hunter2"), "{text}");
            }
        }
    }
}
