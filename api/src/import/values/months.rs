//! Names of months, as CLDR 47 lists them.
//!
//! The table holds the wide and the abbreviated names, in their format and stand-alone forms, of these languages: Czech,
//! Danish, Dutch, English, Finnish, French, German, Greek, Hungarian, Italian, Norwegian (Bokmål), Polish, Portuguese,
//! Romanian, Russian, Slovak, Spanish, Swedish, Turkish and Ukrainian. Names are case-folded and have no trailing period.
//! No name in it means two different months.

use crate::values::text::fold;

/// The names of the twelve months, January first.
const MONTHS: [&str; 12] = [
    "ene enero gen gennaio ian ianuarie jan janeiro januar januari january január januára janv janvier led leden \
     ledna oca ocak sty styczeń stycznia tammi tammikuu tammikuuta ιαν ιανουάριοσ ιανουαρίου січ січень січня янв \
     январь января",
    "feb febbraio febr febrero februar februari februarie february február februára fev fevereiro févr février \
     helmi helmikuu helmikuuta lut lutego luty úno únor února şub şubat φεβ φεβρουάριοσ φεβρουαρίου лют лютий \
     лютого февр февраль февраля",
    "bře březen března maalis maaliskuu maaliskuuta maart mar marca march marec mars mart martie marts marzec \
     marzo março mrt márc március mär märz μάρ μάρτιοσ μαρ μαρτίου бер березень березня мар март марта",
    "abr abril apr april aprile aprilie apríl apríla avr avril dub duben dubna huhti huhtikuu huhtikuuta kwi \
     kwiecień kwietnia nis nisan ápr április απρ απρίλιοσ απριλίου апр апрель апреля квіт квітень квітня",
    "kvě květen května mag maggio mai maio maj maja may mayo mayıs mei máj mája május touko toukokuu toukokuuta \
     μάι μάιοσ μαΐ μαΐου май мая трав травень травня",
    "cze czerwca czerwiec giu giugno haz haziran iun iunie juin jun june junho juni junio jún júna június kesä \
     kesäkuu kesäkuuta červen června čvn ιουν ιουνίου ιούν ιούνιοσ июн июнь июня черв червень червня",
    "heinä heinäkuu heinäkuuta iul iulie juil juillet jul julho juli julio july júl júla július lip lipca lipiec \
     lug luglio tem temmuz července červenec čvc ιουλ ιουλίου ιούλ ιούλιοσ июл июль июля лип липень липня",
    "ago agosto août aug august augusta augusti augustus augusztus ağu ağustos elo elokuu elokuuta sie sierpień \
     sierpnia srp srpen srpna αυγ αυγούστου αύγ αύγουστοσ авг август августа серп серпень серпня",
    "eyl eylül sep sept september septembra septembre septembrie septiembre set setembro settembre syys syyskuu \
     syyskuuta szept szeptember wrz wrzesień września zář září σεπ σεπτέμβριοσ σεπτεμβρίου вер вересень вересня \
     сент сентябрь сентября",
    "eki ekim loka lokakuu lokakuuta oct october octobre octombrie octubre okt oktober október októbra ott ottobre \
     out outubro paź październik października říj říjen října οκτ οκτωβρίου οκτώβριοσ жовт жовтень жовтня окт \
     октябрь октября",
    "kas kasım lis listopad listopada listopadu marras marraskuu marraskuuta noiembrie nov november novembra \
     novembre novembro noviembre νοέ νοέμβριοσ νοε νοεμβρίου лист листопад листопада нояб ноябрь ноября",
    "ara aralık dec december decembra decembrie des desember dez dezember dezembro dic dicembre diciembre déc \
     décembre gru grudnia grudzień joulu joulukuu joulukuuta pro prosince prosinec δεκ δεκέμβριοσ δεκεμβρίου груд \
     грудень грудня дек декабрь декабря",
];

/// Returns the number of the month that a word names, whatever its case.
#[must_use]
pub fn month(word: &str) -> Option<u32> {
    // The lower case of the Turkish İ is an i with a dot above.
    let name = fold(word.trim_end_matches('.')).replace('\u{307}', "");
    (1_u32..).zip(MONTHS).find(|(_, names)| names.split(' ').any(|known| known == name)).map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_names_and_usual_abbreviations_are_months() {
        for (word, number) in [
            ("January", Some(1)),
            ("MÄRZ", Some(3)),
            ("mars", Some(3)),
            ("Mar.", Some(3)),
            ("sept", Some(9)),
            ("août", Some(8)),
            ("października", Some(10)),
            ("Aralık", Some(12)),
            ("maaliskuuta", Some(3)),
            ("июля", Some(7)),
            ("May", Some(5)),
        ] {
            assert_eq!(month(word), number, "{word}");
        }
    }

    #[test]
    fn words_that_only_begin_like_a_month_are_not_months() {
        for word in ["Marketing", "Marrakech", "Maya", "Decoder", "Junior", "Mardi", "ma", ""] {
            assert_eq!(month(word), None, "{word}");
        }
    }

    #[test]
    fn no_name_means_two_months() {
        let mut seen = std::collections::HashMap::new();
        for (number, names) in MONTHS.iter().enumerate() {
            for name in names.split(' ') {
                assert_eq!(*seen.entry(name).or_insert(number), number, "{name}");
            }
        }
    }
}
