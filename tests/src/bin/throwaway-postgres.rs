//! Starts a PostgreSQL server that runs until standard input ends, and prints its URL. With it as `TEST_POSTGRES_URL`,
//! a test's database can be inspected by hand. A test also uses it to see that the server ends with its process.

use tests::postgres::{Cluster, installed_programs};

fn main() -> Result<(), String> {
    let programs = installed_programs().ok_or("PostgreSQL is not installed")?;
    let cluster = Cluster::start(&programs, "")?;
    println!("{}", cluster.url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map_err(|error| error.to_string())?;
    Ok(())
}
