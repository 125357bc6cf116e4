//! A bucket of a server that speaks S3: a place of backups.
//!
//! The protocol is `object_store`'s, the way out is ours: no proxy, no redirect, no environment, answers
//! of bounded length, files in parts of bounded size. The server is one that she named herself, so it may
//! stand on her own network; plain HTTP is spoken only there. What goes out is encrypted already, and a
//! request is signed with her key, which does not travel.

use std::{
    error::Error,
    fs::File,
    io::{Read as _, Write as _},
    net::IpAddr,
    path::Path,
    time::Duration,
};

use age::secrecy::ExposeSecret as _;
use besace_protocol::address::is_public;
use http_body_util::{BodyExt as _, Full};
use object_store::{
    ClientOptions, ObjectStore as _, ObjectStoreExt as _, PutPayload, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
        HttpResponseBody, HttpService,
    },
    path::Path as Key,
};
use reqwest::{Client, redirect};
use tokio::runtime::Handle;
use url::{Host, Url};

use crate::{
    backup::{S3Target, StoreError, fits},
    file::private_file,
};

/// How much is sent or asked for at once, in bytes: what S3 wants at least of each part but the last.
const PART_LEN: usize = 5 << 20;
/// Longest answer that is read, in bytes.
const ANSWER_LEN_MAX: usize = 16 << 20;
/// Longest time for one exchange, and for one list of names.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Longest time for a part, either way: a slow line takes 140 kbit/s.
const PART_TIMEOUT: Duration = Duration::from_mins(5);

/// A bucket was not understood.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// Not an address of a server.
    #[error("the address of the server is not written https://server")]
    Address,
    /// Plain HTTP to somewhere else than her own network.
    #[error("plain http is spoken on your own network only")]
    Plain,
    /// A name that the bucket, the prefix or the key cannot have.
    #[error("the bucket, its prefix and the key are written in plain letters")]
    Name,
    /// The client was not made.
    #[error("the client of the server could not be set up")]
    Setup(#[source] Box<dyn Error + Send + Sync>),
}

/// A bucket that can be reached.
#[derive(Debug)]
pub struct Bucket {
    store: AmazonS3,
    prefix: String,
    runtime: Handle,
}

impl Bucket {
    /// Whether a target is written as it must be; nothing is sent.
    pub fn check(target: &S3Target) -> Result<(), BucketError> {
        let address = Url::parse(&target.endpoint).map_err(|_| BucketError::Address)?;
        let bare = address.path() == "/"
            && address.query().is_none()
            && address.fragment().is_none()
            && address.username().is_empty()
            && address.password().is_none();
        let host = address.host().filter(|_| bare).ok_or(BucketError::Address)?;
        match address.scheme() {
            "https" => {}
            "http" if is_at_home(&host) => {}
            "http" => return Err(BucketError::Plain),
            _ => return Err(BucketError::Address),
        }
        let plain = |text: &str, more: &[u8]| {
            text.len() <= 256
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || more.contains(&b))
        };
        let well = !target.bucket.is_empty()
            && plain(&target.bucket, b".-")
            && plain(&target.prefix, b".-_/")
            && !target.prefix.split('/').any(|part| part == "." || part == "..")
            && plain(&target.region, b"-")
            && !target.access_key.is_empty()
            && target.access_key.bytes().all(|byte| byte.is_ascii_graphic())
            && !target.secret_key.expose_secret().is_empty();
        if well { Ok(()) } else { Err(BucketError::Name) }
    }

    /// The bucket of `target`; what is exchanged with it runs on `runtime`.
    pub fn open(target: &S3Target, runtime: Handle) -> Result<Self, BucketError> {
        Self::check(target)?;
        // Fails only when a provider is installed already, which serves as well.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .timeout(TIMEOUT)
            .connect_timeout(Duration::from_secs(10))
            .build()
            .map_err(|error| BucketError::Setup(error.into()))?;
        let retry = RetryConfig {
            max_retries: 2,
            retry_timeout: Duration::from_secs(20),
            ..RetryConfig::default()
        };
        let region = if target.region.is_empty() { "us-east-1" } else { &target.region };
        let store = AmazonS3Builder::new()
            .with_endpoint(target.endpoint.trim_end_matches('/'))
            .with_bucket_name(&target.bucket)
            .with_region(region)
            .with_access_key_id(&target.access_key)
            .with_secret_access_key(target.secret_key.expose_secret())
            .with_virtual_hosted_style_request(false)
            .with_allow_http(true)
            .with_retry(retry)
            .with_http_connector(Connector(client))
            .build()
            .map_err(|error| BucketError::Setup(error.into()))?;
        Ok(Self { store, prefix: target.prefix.trim_matches('/').to_owned(), runtime })
    }

    /// Puts a copy of `file` there, whole or not at all, and never over what is there.
    pub fn put(&self, name: &str, file: &Path) -> Result<(), StoreError> {
        let key = self.key(name)?;
        match self.runtime.block_on(self.store.head(&key)).map_err(refused) {
            Err(StoreError::Missing) => {}
            Ok(_) => return Err(StoreError::Taken),
            Err(error) => return Err(error),
        }
        let mut file = File::open(file).map_err(StoreError::Here)?;
        let first = read_part(&mut file)?;
        self.runtime.block_on(async {
            if first.len() < PART_LEN {
                self.store.put(&key, PutPayload::from(first)).await.map_err(refused)?;
                return Ok(());
            }
            let mut upload = self.store.put_multipart(&key).await.map_err(refused)?;
            let mut part = first;
            let mut sent = Ok(());
            while sent.is_ok() && !part.is_empty() {
                sent = upload.put_part(PutPayload::from(part)).await.map_err(refused);
                part = read_part(&mut file).unwrap_or_else(|error| {
                    sent = Err(error);
                    Vec::new()
                });
            }
            match sent {
                Ok(()) => upload.complete().await.map(|_| ()).map_err(refused),
                Err(error) => {
                    // The server forgets the parts; if not even this reaches it, they are nobody's backup.
                    let _stays_unfinished = upload.abort().await;
                    Err(error)
                }
            }
        })
    }

    /// Copies what is called `name` to `file`, at most `max` bytes.
    pub fn get(&self, name: &str, file: &Path, max: u64) -> Result<u64, StoreError> {
        let key = self.key(name)?;
        self.runtime.block_on(async {
            let size = self.store.head(&key).await.map_err(refused)?.size;
            fits(size, max, file)?;
            let mut out = private_file(file).map_err(StoreError::Here)?;
            let mut done: u64 = 0;
            while done < size {
                let step = u64::try_from(PART_LEN).unwrap_or(u64::MAX);
                let end = done.saturating_add(step).min(size);
                let part = self.store.get_range(&key, done..end).await.map_err(refused)?;
                if part.is_empty() {
                    break;
                }
                done = done.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
                out.write_all(&part).map_err(StoreError::Here)?;
            }
            Ok(done)
        })
    }

    /// The names under the prefix.
    pub fn list(&self) -> Result<Vec<String>, StoreError> {
        let prefix = if self.prefix.is_empty() { None } else { Some(self.key("")?) };
        self.runtime.block_on(async {
            let list = self.store.list_with_delimiter(prefix.as_ref());
            let list = tokio::time::timeout(TIMEOUT, list)
                .await
                .map_err(|late| StoreError::Unreachable(late.into()))?
                .map_err(refused)?;
            let name =
                |object: object_store::ObjectMeta| object.location.filename().map(str::to_owned);
            Ok(list.objects.into_iter().filter_map(name).collect())
        })
    }

    /// Removes what is called `name`; nothing is wrong if it is gone already.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        let key = self.key(name)?;
        self.runtime.block_on(async {
            match self.store.delete(&key).await.map_err(refused) {
                Ok(()) | Err(StoreError::Missing) => Ok(()),
                Err(error) => Err(error),
            }
        })
    }

    fn key(&self, name: &str) -> Result<Key, StoreError> {
        let text = format!("{}/{name}", self.prefix);
        Key::parse(text.trim_matches('/')).map_err(|error| StoreError::Other(error.into()))
    }
}

/// This machine, or an address that only her own network knows.
fn is_at_home(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(ip) => !is_public(IpAddr::V4(*ip)),
        Host::Ipv6(ip) => !is_public(IpAddr::V6(*ip)),
    }
}

fn read_part(file: &mut File) -> Result<Vec<u8>, StoreError> {
    let mut part = Vec::new();
    let limit = u64::try_from(PART_LEN).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut part).map_err(StoreError::Here)?;
    Ok(part)
}

fn refused(error: object_store::Error) -> StoreError {
    /// What servers call having no room; the status alone does not say it.
    const FULL: [&str; 5] = [
        "507 Insufficient Storage",
        "QuotaExceeded",
        "StorageFull",
        "InsufficientStorage",
        "InsufficientCapacity",
    ];
    match error {
        object_store::Error::NotFound { .. } => StoreError::Missing,
        object_store::Error::PermissionDenied { .. }
        | object_store::Error::Unauthenticated { .. } => StoreError::Denied(error.into()),
        // What it says names the file, too, whose letters no server chose.
        _ if FULL.iter().any(|word| error.to_string().contains(word)) => {
            StoreError::Full(error.into())
        }
        _ if is_of_the_way(&error) => StoreError::Unreachable(error.into()),
        _ => StoreError::Other(error.into()),
    }
}

/// Whether nobody answered, as against an answer that was no use.
fn is_of_the_way(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(http) = error.downcast_ref::<HttpError>() {
            return !matches!(http.kind(), HttpErrorKind::Decode);
        }
        cause = error.source();
    }
    false
}

/// Our own way out, under `object_store`.
#[derive(Clone, Debug)]
struct Connector(Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the answer is longer than {ANSWER_LEN_MAX} bytes")]
struct TooLong;

#[async_trait::async_trait]
impl HttpService for Connector {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let url: Url =
            parts.uri.to_string().parse().map_err(|error| {
                HttpError::new::<url::ParseError>(HttpErrorKind::Unknown, error)
            })?;
        let body = body.collect().await?.to_bytes();
        let long = matches!(parts.method.as_str(), "PUT" | "GET");
        let request = self.0.request(parts.method, url).headers(parts.headers).body(body);
        let sent = request.timeout(if long { PART_TIMEOUT } else { TIMEOUT }).send();
        let mut answer = sent.await.map_err(unanswered)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
            if bytes.len().saturating_add(chunk.len()) > ANSWER_LEN_MAX {
                return Err(HttpError::new(HttpErrorKind::Decode, TooLong));
            }
            bytes.extend_from_slice(&chunk);
        }
        let body = Full::new(bytes.into()).map_err(|never| match never {});
        let mut response = HttpResponse::new(HttpResponseBody::new(body));
        *response.status_mut() = answer.status();
        std::mem::swap(response.headers_mut(), answer.headers_mut());
        Ok(response)
    }
}

fn unanswered(error: reqwest::Error) -> HttpError {
    let kind = if error.is_timeout() {
        HttpErrorKind::Timeout
    } else if error.is_connect() {
        HttpErrorKind::Connect
    } else {
        HttpErrorKind::Interrupted
    };
    // Without the address: it names her bucket.
    HttpError::new(kind, error.without_url())
}

#[cfg(test)]
mod tests {
    use age::secrecy::SecretString;

    use super::*;

    fn target(endpoint: &str) -> S3Target {
        S3Target {
            endpoint: endpoint.to_owned(),
            bucket: "besace".to_owned(),
            prefix: String::new(),
            region: String::new(),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
        }
    }

    #[test]
    fn plain_http_stays_at_home() {
        for good in [
            "https://s3.example.org",
            "https://s3.example.org:9000/",
            "http://127.0.0.1:9000",
            "http://localhost:9000",
            "http://[::1]:9000",
            "http://192.168.1.7:3900",
        ] {
            Bucket::check(&target(good)).unwrap();
        }
        for plain in ["http://s3.example.org", "http://8.8.8.8:9000"] {
            assert!(matches!(Bucket::check(&target(plain)), Err(BucketError::Plain)), "{plain}");
        }
        for bad in [
            "s3.example.org",
            "ftp://s3.example.org",
            "file:///etc/passwd",
            "https://",
            "https://key:secret@s3.example.org",
            "https://s3.example.org/bucket",
            "https://s3.example.org/?x=1",
        ] {
            assert!(matches!(Bucket::check(&target(bad)), Err(BucketError::Address)), "{bad}");
        }
    }

    #[test]
    fn names_are_plain() {
        let with = |change: fn(&mut S3Target)| {
            let mut target = target("https://s3.example.org");
            change(&mut target);
            Bucket::check(&target)
        };
        with(|target| target.prefix = "home/besace".to_owned()).unwrap();
        assert!(with(|target| target.prefix = "../other".to_owned()).is_err());
        assert!(with(|target| target.bucket = String::new()).is_err());
        assert!(with(|target| target.bucket = "a/b".to_owned()).is_err());
        assert!(with(|target| target.region = "eu west".to_owned()).is_err());
        assert!(with(|target| target.access_key = "k\r\nx: y".to_owned()).is_err());
        assert!(with(|target| target.secret_key = SecretString::from("")).is_err());
    }
}
