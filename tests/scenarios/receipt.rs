//! Receipts of what she consented to, at the command line: `spec/receipt.md`.

use besace_protocol::id::GrantId;
use serde_json::Value;

use super::heads::{besace, lived};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_says_what_was_given_and_that_it_was_taken_back() {
    let (world, grants) = lived().await;
    let receipt = |grant: &GrantId| -> Value {
        // The command opens a vault of its own.
        world.engine().lock();
        let printed = besace(&world, &["consent", "receipt", &grant.to_string()]);
        serde_json::from_str(&printed).unwrap()
    };
    let names = |receipt: &Value| receipt["@id"].as_str().unwrap().to_owned();
    for grant in &grants {
        let given = receipt(grant);
        assert_eq!(names(&given), format!("urn:besace:{grant}#ConsentGiven"));
        let record = &given["dpv:hasRecordOfActivity"][0];
        assert_eq!(record["besace:signedByController"][0], true);
        assert_eq!(record["besace:evidence"].as_array().unwrap().len(), 1);
        let controller = &record["dpv:hasProcess"][0]["dpv:hasDataController"][0];
        let domain = controller["dct:identifier"][0].as_str().unwrap();
        assert!([&world.lumen, &world.pont].iter().any(|shop| shop.domain.as_str() == domain));
    }
    super::heads::unlock(&world);
    world.exchange.withdraw(grants[0]).await.unwrap();
    let over = receipt(&grants[0]);
    assert_eq!(names(&over), format!("urn:besace:{}#ConsentWithdrawn", grants[0]));
    assert_eq!(names(&receipt(&grants[1])), format!("urn:besace:{}#ConsentGiven", grants[1]));
}
