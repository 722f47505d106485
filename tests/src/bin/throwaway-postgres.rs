//! Starts a PostgreSQL that lasts until standard input ends, and says where it is: to look at a test's database by hand
//! (`TEST_POSTGRES_URL=…`), and to see that it goes when its process does.

use tests::postgres::{Cluster, installed_programs};

fn main() -> Result<(), String> {
    let programs = installed_programs().ok_or("PostgreSQL is not installed")?;
    let cluster = Cluster::start(&programs, "")?;
    println!("{}", cluster.url());
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map_err(|error| error.to_string())?;
    Ok(())
}
