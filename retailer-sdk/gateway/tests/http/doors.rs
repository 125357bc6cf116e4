//! Every row of the table of routes, knocked at with no key, a wrong one, one of somebody else, one for
//! something else, and from another page.

use besace_gateway::http::{Method, ROUTES, Route, Takes, Who, openapi, problems};
use besace_protocol::call::HELD_PATHS;
use besace_retailer::ShopScope;

use super::*;

/// Names for the parameters of an address, well formed and of nothing.
fn address(route: &Route) -> String {
    let mut address = route.address();
    for (parameter, value) in [
        ("{digest}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("{tile}", "0/000.p/1"),
        ("{week}", "2970"),
        ("{id}", "hold_00000000000000000000000000000000"),
    ] {
        address = address.replace(parameter, value);
    }
    while let (Some(start), Some(end)) = (address.find('{'), address.find('}')) {
        address.replace_range(start..=end, &format!("x_{}", "0".repeat(32)));
    }
    address
}

/// A body that the address can read; what it asks for need not be there.
fn example(takes: &Takes) -> Vec<u8> {
    let description = openapi().unwrap();
    let schema = &description["components"]["schemas"][takes.schema];
    let example = &schema["example"];
    assert!(!example.is_null(), "give {} an `example` in http/schemas.json", takes.schema);
    serde_json::to_vec(example).unwrap()
}

struct Knock<'a> {
    world: &'a World,
    route: &'a Route,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

impl<'a> Knock<'a> {
    fn at(world: &'a World, route: &'a Route) -> Self {
        let body = match &route.takes {
            Some(takes) if !matches!(route.who, Who::Subject) => example(takes),
            _ => Vec::new(),
        };
        Self { world, route, headers: Vec::new(), body }
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn key(self, key: &str) -> Self {
        self.with("Authorization", format!("Bearer {key}"))
    }

    fn saying(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    fn answer(mut self) -> Answer {
        if let Some(takes) = &self.route.takes
            && self.headers.iter().all(|(name, _)| *name != "Content-Type")
        {
            self = self.with("Content-Type", takes.media_type);
        }
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
             Idempotency-Key: 0190a3c2-7c1e-7000-8000-000000000001\r\nContent-Length: {}\r\n",
            self.route.method.as_str(),
            address(self.route),
            self.body.len()
        );
        for (name, value) in &self.headers {
            head = format!("{head}{name}: {value}\r\n");
        }
        let answer = self.world.raw(&[head.as_bytes(), b"\r\n", &self.body].concat());
        // Whatever it says, it may say; and no page of another site may read it.
        assert!(!answer.head.contains("access-control-"), "{}: {}", self.route.name, answer.head);
        if answer.status != 200 {
            let said = answer.problem();
            assert!(problems(self.route).contains(&said), "{} says {said:?}", self.route.name);
        }
        answer
    }

    fn problem(self) -> ProblemType {
        self.answer().problem()
    }
}

fn key(world: &World, name: &str, number: u8, scopes: &[ShopScope]) -> String {
    let name = format!("{}-{number}", name.replace('_', "-"));
    let seed = name.bytes().fold(7, |seed, byte| (seed * 31 + u64::from(byte)) % 0xffff_ffff);
    let mut rng = Rng::new(Arc::new(SeededEntropy::new(seed)));
    let mut retailer = world.retailer.lock().unwrap();
    retailer.add_shop_key(&name, shop(number), scopes, &mut rng).unwrap().danger_text().to_string()
}

#[test]
fn no_key_a_wrong_key_and_a_key_for_something_else_open_no_door_of_a_shop() {
    let world = World::new();
    for (number, scope) in ShopScope::ALL.iter().enumerate() {
        let rows: Vec<&Route> = ROUTES.iter().filter(|r| r.who == Who::Shop(*scope)).collect();
        assert!(!rows.is_empty(), "no address needs {scope:?}");
        let own = key(&world, &format!("own-{number}"), 1, &[*scope]);
        let others: Vec<ShopScope> =
            ShopScope::ALL.iter().filter(|s| *s != scope).copied().collect();
        let other = key(&world, &format!("other-{number}"), 2, &others);
        let ended = key(&world, &format!("ended-{number}"), 2, &[*scope]);
        world.retailer.lock().unwrap().revoke_shop_key(&format!("ended-{number}-2")).unwrap();
        for route in rows {
            let knock = || Knock::at(&world, route);
            let name = route.name;
            assert_eq!(knock().problem(), ProblemType::Unauthorized, "{name}");
            for wrong in [&"A".repeat(43), &own[1..], &ended] {
                assert_eq!(knock().key(wrong).problem(), ProblemType::Unauthorized, "{name}");
            }
            let basic = knock().with("Authorization", format!("Basic {own}"));
            assert_eq!(basic.problem(), ProblemType::Unauthorized, "{name}");
            let twice = knock().key(&ended).key(&own);
            assert_eq!(twice.problem(), ProblemType::Unauthorized, "{name}: the first one counts");
            assert_eq!(knock().key(&other).problem(), ProblemType::Forbidden, "{name}");
            // Whose page asks is nothing to a gateway: a browser has no key to send.
            for origin in ["http://evil.example", "null"] {
                let foreign = knock().with("Origin", origin).with("Sec-Fetch-Site", "cross-site");
                assert_eq!(foreign.problem(), ProblemType::Unauthorized, "{name}");
            }
            let well = knock().key(&own).answer();
            let refused = well.status != 200
                && matches!(well.problem(), ProblemType::Unauthorized | ProblemType::Forbidden);
            assert!(!refused, "{name}: the right key opens it");
        }
    }
}

#[test]
fn a_key_of_another_shop_sees_that_shop_only() {
    let world = World::new();
    for number in [1, 2] {
        let key = key(&world, "screen", number, &[ShopScope::Arrivals]);
        let route = ROUTES.iter().find(|route| route.name == "arrivals").unwrap();
        let shown: Arrivals = Knock::at(&world, route).key(&key).answer().json();
        assert_eq!(shown.shop, shop(number));
    }
}

#[test]
fn a_call_opens_only_to_the_pseudonym_that_it_is_about() {
    let world = World::new();
    let manifest = world.manifest();
    let (mut hers, mut his) = (Shopper::new(2), Shopper::new(3));
    let grant = world.give(&mut hers, Purpose::Recognition);
    let greeting = world.give(&mut hers, Purpose::StaffGreeting);
    world.give(&mut his, Purpose::Recognition);
    let day = Day::of(NOW);
    let fresh = hers.grant(&world.consent_request(Purpose::Recognition), NOW);
    let signed = hers.sign_grant(&grant, NOW);
    let digest = Unverified::<Grant>::parse(&signed.grant.0).unwrap();
    let verified = digest.verify(&[(Role::Subject, &hers.signing.verifying_key())]).unwrap();
    let mut routes: Vec<&Route> = ROUTES.iter().filter(|r| r.who == Who::Subject).collect();
    // What ends a grant comes last.
    routes.sort_by_key(|route| route.name == "withdraw");
    for route in routes {
        let name = route.name;
        // What she would say here. A new address of hers needs a line.
        let body = match name {
            "give_grant" => serde_json::to_value(hers.sign_grant(&fresh, NOW)),
            "negotiate" => {
                let message = hers.proposal(&world.consent_request(Purpose::Recognition), NOW);
                serde_json::to_value(wire::Negotiate { message })
            }
            "withdraw" => serde_json::to_value(hers.withdrawal(grant.id, verified.digest(), NOW)),
            "object" => serde_json::to_value(hers.objection(true, NOW)),
            "erasure" => serde_json::to_value(wire::AskErasure { grant: grant.id }),
            "release" => serde_json::to_value(hers.release(&grant, &manifest, day, NOW)),
            "disclose" => {
                let topics = &["jazz"];
                serde_json::to_value(hers.disclose(&greeting, &manifest, None, topics, NOW))
            }
            "collect_mail" => serde_json::to_value(CollectMail {}),
            "last_head" => serde_json::to_value(wire::AskLastHead {}),
            // From here on all she says is under the new log.
            "continue_pseudonym" => {
                let continuations = vec![hers.go_on(Cause::Restore, NOW)];
                serde_json::to_value(wire::Continue { continuations })
            }
            "acknowledge_mail" => serde_json::to_value(wire::AcknowledgeMail { mail: Vec::new() }),
            "issue_vouchers" => Ok(serde_json::json!({
                "blinded": [], "subject": hers.signing.verifying_key(), "week": 2970,
            })),
            _ => panic!("{name}: say in doors.rs what she would send there"),
        };
        let body = body.unwrap();
        let path = address(route);
        let knock = |call: Vec<u8>| Knock::at(&world, route).saying(call);

        let unsigned = serde_json::to_vec(&body).unwrap();
        assert_eq!(knock(Vec::new()).problem(), ProblemType::Malformed, "{name}");
        assert!(
            matches!(knock(unsigned).problem(), ProblemType::Malformed | ProblemType::UnknownField),
            "{name}: no signature"
        );
        // Whoever is unknown, or speaks of what is another's, learns nothing of it.
        let mut stranger = Shopper::new(99);
        let refused = knock(stranger.call(&path, &body, NOW)).problem();
        let expected = match name {
            "collect_mail" | "acknowledge_mail" | "last_head" => ProblemType::GrantMissing,
            _ => ProblemType::SignatureInvalid,
        };
        assert_eq!(refused, expected, "{name}: a stranger");
        let refused = knock(his.call(&path, &body, NOW)).answer();
        match name {
            // Each has a mailbox of their own, and reads no other.
            "collect_mail" => assert!(refused.json::<MailCollected>().mail.is_empty()),
            "acknowledge_mail" => assert_eq!(refused.status, 200),
            // And a log of their own.
            "last_head" => assert_eq!(refused.json::<wire::LastHead>().checkpoint, None),
            _ => assert_eq!(refused.problem(), ProblemType::SignatureInvalid, "{name}: another"),
        }
        // Signed for another address, another domain, another moment.
        let elsewhere = hers.call("/besace/v1/elsewhere", &body, NOW);
        assert_eq!(knock(elsewhere).problem(), ProblemType::SignatureInvalid, "{name}");
        for moment in [NOW.minus(91), NOW.plus(91)] {
            let call = hers.call(&path, &body, moment);
            assert_eq!(knock(call).problem(), ProblemType::ClockSkew, "{name}");
        }
        // Signed two days ago, to be sent while the agent is locked: where that changes nothing.
        let held = hers.held_call(&path, &body, NOW.minus(2 * 86_400), NOW);
        let refused = knock(held.clone()).answer();
        if HELD_PATHS.contains(&path.as_str()) {
            assert_eq!(refused.status, 200, "{name}: held");
            assert_eq!(knock(held).problem(), ProblemType::Replayed, "{name}: held");
        } else {
            assert_eq!(refused.problem(), ProblemType::Malformed, "{name}: held");
        }
        let over = hers.held_call(&path, &body, NOW.minus(2 * 86_400), NOW.minus(1));
        assert!(
            matches!(knock(over).problem(), ProblemType::ClockSkew | ProblemType::Malformed),
            "{name}: held too long"
        );
        // One bit of the signature.
        let call = hers.call(&path, &body, NOW);
        let mut forged: serde_json::Value = serde_json::from_slice(&call).unwrap();
        let signature = forged["signatures"][0]["signature"].as_str().unwrap();
        let first = if signature.starts_with('A') { "B" } else { "A" };
        forged["signatures"][0]["signature"] = format!("{first}{}", &signature[1..]).into();
        let forged = serde_json::to_vec(&forged).unwrap();
        assert_eq!(knock(forged).problem(), ProblemType::SignatureInvalid, "{name}");
        if name == "issue_vouchers" {
            // Whoever asks needs no grant: the key of the call is that of the batch.
            assert_eq!(knock(call).problem(), ProblemType::NotFound, "there are no vouchers");
            continue;
        }
        // From another page it is the same call: the signature is all that counts.
        let answer = knock(call.clone()).with("Origin", "http://evil.example").answer();
        assert_eq!(answer.status, 200, "{name}: {:?}", String::from_utf8_lossy(&answer.body));
        assert_eq!(knock(call).problem(), ProblemType::Replayed, "{name}");
    }
}

#[test]
fn whatever_is_public_is_the_same_for_everybody() {
    let world = World::new();
    for route in ROUTES.iter().filter(|route| route.who == Who::Everybody) {
        assert_eq!(
            route.method,
            Method::Get,
            "{}: what changes something knows who asks",
            route.name
        );
        let plain = Knock::at(&world, route).answer();
        assert!(plain.status == 200 || plain.problem() == ProblemType::NotFound, "{}", route.name);
        for (name, value) in [
            ("Authorization", format!("Bearer {}", "A".repeat(43))),
            ("Authorization", format!("Bearer {}", world.receiver)),
            ("Cookie", "who=me".to_owned()),
            ("Origin", "http://evil.example".to_owned()),
            ("Accept-Language", "fr".to_owned()),
            ("If-None-Match", "*".to_owned()),
            ("Range", "bytes=0-1".to_owned()),
            ("X-Forwarded-For", "192.0.2.1".to_owned()),
            ("X-HTTP-Method-Override", "POST".to_owned()),
        ] {
            let answer = Knock::at(&world, route).with(name, value).answer();
            assert_eq!((answer.status, &answer.body), (plain.status, &plain.body), "{name}");
            assert!(!answer.head.contains("set-cookie"), "{}", answer.head);
        }
    }
}

#[test]
fn every_body_has_its_one_form() {
    let world = World::new();
    for route in ROUTES {
        let Some(takes) = &route.takes else { continue };
        let name = route.name;
        let own = match route.who {
            Who::Shop(scope) => key(&world, name, 1, &[scope]),
            Who::Subject | Who::Everybody => "none".to_owned(),
        };
        let knock = || Knock::at(&world, route).key(&own);
        for media_type in ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""] {
            let answer = knock().with("Content-Type", media_type).problem();
            assert_eq!(answer, ProblemType::MediaType, "{name} {media_type}");
        }
        let long = format!(
            "{} {} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\nContent-Type: {}\r\n\
             Authorization: Bearer {own}\r\nIdempotency-Key: a\r\nContent-Length: {}\r\n\r\n",
            route.method.as_str(),
            address(route),
            takes.media_type,
            takes.len_max + 1
        );
        assert_eq!(world.raw(long.as_bytes()).problem(), ProblemType::TooLarge, "{name}");
        let mut bodies: Vec<Vec<u8>> = vec![
            b"".to_vec(),
            b"null".to_vec(),
            b"0".to_vec(),
            b"\"\"".to_vec(),
            b"{}x".to_vec(),
            b"\xef\xbb\xbf{}".to_vec(),
            b"{\"a\":1,\"a\":1}".to_vec(),
            [b"[".repeat(5_000), b"]".repeat(5_000)].concat(),
            b"{\"a\":".repeat(3_000),
            vec![0; 3_000],
        ];
        if !matches!(route.who, Who::Subject) {
            let body = example(takes);
            bodies.extend((0..body.len()).map(|end| body[..end].to_vec()));
            if let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(&body) {
                // Without names, with one too many, and with one less.
                let values: Vec<_> = members.values().cloned().collect();
                bodies.push(serde_json::to_vec(&values).unwrap());
                let mut more = members.clone();
                more.insert("surprise".to_owned(), 1.into());
                bodies.push(serde_json::to_vec(&more).unwrap());
            }
        }
        for body in bodies {
            let said = String::from_utf8_lossy(&body).into_owned();
            let problem = knock().saying(body).problem();
            let expected = matches!(problem, ProblemType::Malformed | ProblemType::UnknownField);
            assert!(expected, "{name}: {problem:?} to {said}");
        }
    }
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn by_a_clock_that_leapt_she_withdraws_and_nothing_else_is_recorded() {
    let world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, Purpose::Recognition);
    let digest = {
        let (signed, key) = (shopper.sign_grant(&grant, NOW), shopper.signing.verifying_key());
        let signed = Unverified::<Grant>::parse(&signed.grant.0).unwrap();
        signed.verify(&[(Role::Subject, &key)]).unwrap().digest()
    };
    let lost = NOW.plus(400 * 86_400);
    world.clock.set(lost);
    let before = world.get("/besace/v1/log/checkpoint").body;
    let token = shopper.token(None, NOW);
    assert_eq!(world.sight(&token.to_string()).problem(), ProblemType::ClockInDoubt);
    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let call = shopper.call(wire::RELEASES_PATH, &body, NOW);
    let answer = world.request("POST", wire::RELEASES_PATH, None, &call);
    assert_eq!(answer.problem(), ProblemType::ClockInDoubt);
    assert_eq!(world.get("/besace/v1/log/checkpoint").body, before);
    let health = world.get("/healthz");
    assert_eq!((health.status, health.body.as_slice()), (503, &b"clock_in_doubt\n"[..]));
    let body = shopper.withdrawal(grant.id, digest, NOW);
    let call = shopper.call(wire::WITHDRAWALS_PATH, &body, NOW);
    assert_eq!(world.request("POST", wire::WITHDRAWALS_PATH, None, &call).status, 200);
    world.clock.set(NOW);
    assert_eq!(world.get("/healthz").status, 200);
}
