//! Who is meant by a name: the organization's users, addresses made of names, and a file that explains ids.

use std::{collections::HashMap, path::Path};

use icu_normalizer::DecomposingNormalizerBorrowed;

use super::{
    read::{self, Reading, Refusal},
    rows::folded,
    target::Person,
    values::bare,
};

/// Finds e-mail addresses.
#[derive(Debug, Default)]
pub struct People {
    by_name: HashMap<String, Vec<String>>,
    by_id: HashMap<String, String>,
    domain: Option<String>,
}

impl People {
    /// Starts from the organization's users; a domain makes first.last addresses for all others.
    #[must_use]
    pub fn new(users: &[Person], domain: Option<&str>) -> Self {
        let mut by_name: HashMap<String, Vec<String>> = HashMap::new();
        for user in users {
            by_name.entry(folded(&user.name)).or_default().push(user.email.clone());
        }
        let domain = domain.map(|domain| domain.trim_start_matches('@').to_lowercase());
        Self { by_name, by_id: HashMap::new(), domain }
    }

    /// Adds people of a file, such as the sellers that are being imported; names that are known already keep their address.
    pub fn add(&mut self, name: &str, email: &str) {
        self.by_name.entry(folded(name)).or_insert_with(|| vec![email.to_owned()]);
    }

    /// Reads a file with the columns Id and Email, such as an export of Salesforce's User.
    ///
    /// # Errors
    /// It cannot be read, or lacks these columns.
    pub fn explain_ids(
        &mut self,
        path: &Path,
        reading: Reading,
        id_text: impl Fn(&str) -> String,
    ) -> Result<(), Refusal> {
        let table = read::read(path, reading)?;
        let column = |names: &[&str]| table.titles.iter().position(|title| names.contains(&bare(title).as_str()));
        let (Some(id), Some(email)) =
            (column(&["id", "userid", "ownerid", "recordid"]), column(&["email", "emailaddress"]))
        else {
            return Err(Refusal(format!("{}: should have the columns Id and Email", table.file)));
        };
        for record in &table.records {
            if let (Some(id), Some(email)) = (record.cells.get(id), record.cells.get(email)) {
                self.by_id.insert(id_text(id), email.trim().to_lowercase());
            }
        }
        Ok(())
    }

    /// The address behind an id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&str> {
        self.by_id.get(id).map(String::as_str)
    }

    /// The address that a cell means: an address itself, also as `Name (address)` or `Name <address>`, or a user's name.
    ///
    /// # Errors
    /// A sentence, where no user or several have the name.
    pub fn address(&self, cell: &str) -> Result<String, String> {
        let inside = cell.rsplit(['(', '<']).next().unwrap_or(cell).trim_end_matches([')', '>']).trim();
        if inside.contains('@') {
            return Ok(inside.to_lowercase());
        }
        match self.by_name.get(&folded(cell)).map(Vec::as_slice) {
            Some([one]) => Ok(one.clone()),
            Some(several) if several.len() > 1 => {
                Err(format!("{} users are called “{cell}”; name the one by the e-mail address", several.len()))
            }
            _ => self.made_of(cell).ok_or_else(|| {
                format!("no user is called “{cell}”; import the users first, or make addresses with --email-domain")
            }),
        }
    }

    /// `first.last@domain`, without accents and apostrophes. None without a domain, and of a name without letters.
    #[must_use]
    pub fn made_of(&self, name: &str) -> Option<String> {
        let domain = self.domain.as_deref()?;
        let plain = DecomposingNormalizerBorrowed::new_nfkd().normalize(name).to_lowercase();
        let words: Vec<String> = plain
            .split_whitespace()
            .map(|word| word.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').collect())
            .filter(|word: &String| !word.is_empty())
            .collect();
        (!words.is_empty()).then(|| format!("{}@{domain}", words.join(".")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_an_address() {
        let people = People::new(&[], Some("Example.com"));
        let made = |name| people.made_of(name).unwrap();
        assert_eq!(made("Anna Berg"), "anna.berg@example.com");
        assert_eq!(made("Mei-Lin  O'Hara"), "mei-lin.ohara@example.com");
        assert_eq!(made("José Núñez"), "jose.nunez@example.com");
        assert_eq!(people.made_of("李"), None);
    }

    #[test]
    fn a_name_is_looked_up_and_several_are_told() {
        let user = |name: &str, email: &str| Person { name: name.to_owned(), email: email.to_owned() };
        let users =
            [user("Ann Lee", "ann@example.com"), user("Bo Li", "bo@example.com"), user("Bo Li", "bo2@example.com")];
        let people = People::new(&users, None);
        assert_eq!(people.address("ann lee").unwrap(), "ann@example.com");
        assert_eq!(people.address("Someone (X@Example.com)").unwrap(), "x@example.com");
        assert!(people.address("Bo Li").unwrap_err().starts_with("2 users"));
        assert!(people.address("Cy").unwrap_err().starts_with("no user"));
    }
}
