//! Names and texts of the simulated organization, which builds and maintains water treatment for industry. All names are
//! invented; domains end in `.example`.

pub(crate) mod companies;
pub(crate) mod people;
pub(crate) mod plans;
pub(crate) mod sales;

pub use sales::CRITERIA;

/// Replaces the letters of a name that a domain or an address cannot have.
pub(crate) fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for letter in name.to_lowercase().chars() {
        match letter {
            'a'..='z' | '0'..='9' => slug.push(letter),
            'ä' | 'á' | 'à' | 'å' | 'ã' => slug.push('a'),
            'é' | 'è' | 'ë' | 'ê' => slug.push('e'),
            'ö' | 'ó' | 'ø' => slug.push('o'),
            'ü' | 'ú' | 'ů' => slug.push('u'),
            'í' => slug.push('i'),
            'ç' | 'č' | 'ć' => slug.push('c'),
            'ñ' | 'ń' => slug.push('n'),
            'š' | 'ś' => slug.push('s'),
            'ž' | 'ź' => slug.push('z'),
            'ł' => slug.push('l'),
            _ if slug.ends_with('-') || slug.is_empty() => {}
            _ => slug.push('-'),
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_plain_letters() {
        assert_eq!(slug("Łukasz Wójcik"), "lukasz-wojcik");
        assert_eq!(slug("Brennick & Sohn "), "brennick-sohn");
    }

    #[test]
    fn no_list_names_anything_twice() {
        for words in [companies::STEMS, people::FIRST, people::LAST] {
            let distinct: std::collections::HashSet<&&str> = words.iter().collect();
            assert_eq!(distinct.len(), words.len());
        }
    }
}
