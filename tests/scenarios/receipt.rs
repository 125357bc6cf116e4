//! Receipts of what she consented to, at the command line: `spec/receipt.md`.

use besace_agent::engine::StepError;
use besace_e2e::world::World;
use besace_protocol::id::GrantId;
use serde_json::Value;

use super::heads::{besace, besace_says, lived};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_what_was_given_and_that_it_was_taken_back() {
    let (mut world, grants) = lived().await;
    let made = |world: &World, grant: &GrantId| -> Value {
        serde_json::from_slice(&world.engine().receipt(*grant).unwrap()).unwrap()
    };
    let name = |receipt: &Value| receipt["@id"].as_str().unwrap().to_owned();
    for grant in &grants {
        let given = made(&world, grant);
        assert_eq!(name(&given), format!("urn:besace:{grant}#ConsentGiven"));
        let record = &given["dpv:hasRecordOfActivity"][0];
        assert_eq!(record["besace:signedByController"][0], true);
        assert_eq!(record["besace:evidence"].as_array().unwrap().len(), 1);
        let controller = &record["dpv:hasProcess"][0]["dpv:hasDataController"][0];
        let domain = controller["dct:identifier"][0].as_str().unwrap();
        assert!([&world.lumen, &world.pont].iter().any(|shop| shop.domain.as_str() == domain));
    }
    world.exchange.withdraw(grants[0]).await.unwrap();
    let over = made(&world, &grants[0]);
    assert_eq!(name(&over), format!("urn:besace:{}#ConsentWithdrawn", grants[0]));
    let stays = made(&world, &grants[1]);
    assert_eq!(name(&stays), format!("urn:besace:{}#ConsentGiven", grants[1]));
    let unknown = world.engine().receipt(GrantId::from_bytes([9; 16]));
    assert!(matches!(unknown, Err(StepError::GrantOver)));

    // And so at the command line, for whoever redirects it into a file.
    world.shut_down().unwrap();
    let printed = besace(&world, &["consent", "receipt", &grants[0].to_string()]);
    assert_eq!(serde_json::from_str::<Value>(&printed).unwrap(), over);
    // She gave it with her own hand.
    let arguments = ["consent", "receipt", &grants[0].to_string(), "--rule"];
    let (status, said, failure) = besace_says(&world, &arguments);
    assert_eq!((status, said.as_str()), (1, ""));
    assert!(failure.contains("no rule of yours said yes to this"), "{failure}");
}
