//! Parses a document. Time and memory are linear in the length of the text, and the stack is bounded by the depth of brackets.

use async_graphql::Pos;
use async_graphql::parser::types::OperationType;

use crate::ast::{
    Directive, Document, Field, Fragment, Ident, Inline, Literal, Operation, Selection, SelectionSet, Spread, Value,
    Variable, WrittenType,
};
use crate::error::DocumentError;
use crate::lexer::{Lexer, Token, TokenKind};

/// The largest depth of nested brackets. The parser and the readers of input objects recurse with them.
const MAX_BRACKETS: usize = 100;

/// Parses a document.
///
/// # Errors
/// The first syntax error, or brackets that nest too deeply.
pub(crate) fn parse(text: &str) -> Result<Document<'_>, DocumentError> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    Parser { lexer, token, depth: 0 }.document()
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The next token.
    token: Token<'a>,
    /// The number of brackets that are open.
    depth: usize,
}

/// Whether a value may contain variables.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    Allowed,
    Forbidden,
}

type Parsed<T> = Result<T, DocumentError>;

impl<'a> Parser<'a> {
    /// Takes the next token.
    fn advance(&mut self) -> Parsed<Token<'a>> {
        let next = self.lexer.next()?;
        Ok(std::mem::replace(&mut self.token, next))
    }

    fn unexpected<T>(&self, wanted: &str) -> Parsed<T> {
        let message = format!("Expected {wanted}; found {}.", self.token.kind.describe());
        Err(DocumentError::syntax(message, self.token.position))
    }

    fn is(&self, sign: char) -> bool {
        matches!(self.token.kind, TokenKind::Punctuator(found) if found == sign)
    }

    /// Takes a punctuator if it is the next token.
    fn takes(&mut self, sign: char) -> Parsed<bool> {
        let is = self.is(sign);
        if is {
            self.advance()?;
        }
        Ok(is)
    }

    fn expect(&mut self, sign: char) -> Parsed<Pos> {
        if self.is(sign) { Ok(self.advance()?.position) } else { self.unexpected(&format!("`{sign}`")) }
    }

    fn name(&mut self, wanted: &str) -> Parsed<Ident<'a>> {
        match self.token.kind {
            TokenKind::Name(text) => Ok(Ident { text, position: self.advance()?.position }),
            _ => self.unexpected(wanted),
        }
    }

    fn peek_name(&self) -> Option<&'a str> {
        match self.token.kind {
            TokenKind::Name(text) => Some(text),
            _ => None,
        }
    }

    /// Takes an opening bracket, everything up to the closing one, and that.
    fn bracketed<T>(
        &mut self,
        [open, close]: [char; 2],
        mut item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Pos, Vec<T>)> {
        let position = self.expect(open)?;
        self.depth += 1;
        if self.depth > MAX_BRACKETS {
            return Err(DocumentError::limit(format!(
                "The document nests brackets too deeply; at most {MAX_BRACKETS} levels are allowed."
            )));
        }
        let mut items = Vec::new();
        while !self.takes(close)? {
            items.push(item(self)?);
        }
        self.depth -= 1;
        Ok((position, items))
    }

    /// As [`Self::bracketed`], with one item at least.
    fn some<T>(
        &mut self,
        [open, close]: [char; 2],
        wanted: &str,
        item: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Pos, Vec<T>)> {
        let (position, items) = self.bracketed([open, close], item)?;
        if items.is_empty() {
            let message = format!("Expected {wanted} between `{open}` and `{close}`; found none.");
            return Err(DocumentError::syntax(message, position));
        }
        Ok((position, items))
    }

    fn document(mut self) -> Parsed<Document<'a>> {
        let mut document = Document::default();
        while !matches!(self.token.kind, TokenKind::End) {
            self.definition(&mut document)?;
        }
        if document.operations.is_empty() && document.fragments.is_empty() {
            return self.unexpected("an operation such as `{ field }`");
        }
        Ok(document)
    }

    fn definition(&mut self, document: &mut Document<'a>) -> Parsed<()> {
        const WANTED: &str = "`query`, `mutation`, `subscription`, `fragment` or `{`";
        if self.is('{') {
            let position = self.token.position;
            document.operations.push(Operation {
                position,
                kind: OperationType::Query,
                name: None,
                variables: Vec::new(),
                directives: Vec::new(),
                selections: self.selection_set()?,
            });
            return Ok(());
        }
        self.description()?;
        let kind = match self.peek_name() {
            Some("query") => OperationType::Query,
            Some("mutation") => OperationType::Mutation,
            Some("subscription") => OperationType::Subscription,
            Some("fragment") => {
                let fragment = self.fragment()?;
                document.fragments.push(fragment);
                return Ok(());
            }
            Some("schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input" | "directive" | "extend") => {
                let message = "A request must not define types; it contains operations and fragments only.";
                return Err(DocumentError::validation(message, [self.token.position]));
            }
            _ => return self.unexpected(WANTED),
        };
        let position = self.advance()?.position;
        let name = match self.token.kind {
            TokenKind::Name(_) => Some(self.name("a name")?),
            _ => None,
        };
        let variables = if self.is('(') {
            self.some(['(', ')'], "a variable such as `$id: ID!`", Self::variable_definition)?.1
        } else {
            Vec::new()
        };
        let directives = self.directives(Variables::Allowed)?;
        let selections = self.selection_set()?;
        document.operations.push(Operation { position, kind, name, variables, directives, selections });
        Ok(())
    }

    /// Skips a description, which has no effect.
    fn description(&mut self) -> Parsed<()> {
        if matches!(self.token.kind, TokenKind::String { .. }) {
            self.advance()?;
        }
        Ok(())
    }

    fn fragment(&mut self) -> Parsed<Fragment<'a>> {
        let position = self.advance()?.position;
        if self.peek_name() == Some("on") {
            return self.unexpected("the name of the fragment, which must not be `on`");
        }
        let name = self.name("the name of the fragment")?;
        let on = self.type_condition()?;
        let directives = self.directives(Variables::Allowed)?;
        Ok(Fragment { position, name, on, directives, selections: self.selection_set()? })
    }

    fn type_condition(&mut self) -> Parsed<Ident<'a>> {
        if self.peek_name() != Some("on") {
            return self.unexpected("`on` and a type");
        }
        self.advance()?;
        self.name("the name of a type")
    }

    fn variable_definition(&mut self) -> Parsed<Variable<'a>> {
        self.description()?;
        let position = self.token.position;
        let name = self.variable()?;
        self.expect(':')?;
        let ty = self.ty()?;
        let default = if self.takes('=')? { Some(self.value(Variables::Forbidden)?) } else { None };
        Ok(Variable { position, name, ty, default, directives: self.directives(Variables::Forbidden)? })
    }

    fn variable(&mut self) -> Parsed<Ident<'a>> {
        let position = self.expect('$')?;
        let Ident { text, .. } = self.name("the name of a variable")?;
        Ok(Ident { text, position })
    }

    fn ty(&mut self) -> Parsed<WrittenType<'a>> {
        let ty = if self.is('[') {
            let position = self.token.position;
            let (_, mut inner) = self.bracketed(['[', ']'], Self::ty)?;
            match (inner.pop(), inner.is_empty()) {
                (Some(inner), true) => WrittenType::List(Box::new(inner)),
                _ => return Err(DocumentError::syntax("A list has exactly one type, such as `[ID!]`.", position)),
            }
        } else {
            WrittenType::Named(self.name("a type")?)
        };
        Ok(if self.takes('!')? { WrittenType::NonNull(Box::new(ty)) } else { ty })
    }

    fn selection_set(&mut self) -> Parsed<SelectionSet<'a>> {
        let (position, items) = self.some(['{', '}'], "a selection", Self::selection)?;
        Ok(SelectionSet { position, items })
    }

    fn selection(&mut self) -> Parsed<Selection<'a>> {
        if !matches!(self.token.kind, TokenKind::Spread) {
            return Ok(Selection::Field(self.field()?));
        }
        let position = self.advance()?.position;
        if let Some(name) = self.peek_name().filter(|name| *name != "on") {
            let name = Ident { text: name, position: self.advance()?.position };
            let directives = self.directives(Variables::Allowed)?;
            return Ok(Selection::Spread(Spread { position, name, directives }));
        }
        let on = if self.peek_name().is_some() { Some(self.type_condition()?) } else { None };
        let directives = self.directives(Variables::Allowed)?;
        Ok(Selection::Inline(Inline { position, on, directives, selections: self.selection_set()? }))
    }

    fn field(&mut self) -> Parsed<Field<'a>> {
        let first = self.name("a field, `...` or `}`")?;
        let (alias, name) =
            if self.takes(':')? { (Some(first), self.name("the name of a field")?) } else { (None, first) };
        let arguments = self.arguments(Variables::Allowed)?;
        let directives = self.directives(Variables::Allowed)?;
        let selections = if self.is('{') { self.selection_set()? } else { SelectionSet::default() };
        Ok(Field { alias, name, arguments, directives, selections })
    }

    fn arguments(&mut self, variables: Variables) -> Parsed<Vec<(Ident<'a>, Value<'a>)>> {
        if !self.is('(') {
            return Ok(Vec::new());
        }
        Ok(self.some(['(', ')'], "an argument", |parser| parser.member("an argument", variables))?.1)
    }

    /// Reads `name: value`.
    fn member(&mut self, wanted: &str, variables: Variables) -> Parsed<(Ident<'a>, Value<'a>)> {
        let name = self.name(wanted)?;
        self.expect(':')?;
        Ok((name, self.value(variables)?))
    }

    fn directives(&mut self, variables: Variables) -> Parsed<Vec<Directive<'a>>> {
        let mut directives = Vec::new();
        while self.is('@') {
            let position = self.advance()?.position;
            let name = self.name("the name of a directive")?;
            directives.push(Directive { position, name, arguments: self.arguments(variables)? });
        }
        Ok(directives)
    }

    fn value(&mut self, variables: Variables) -> Parsed<Value<'a>> {
        let position = self.token.position;
        let literal = match &mut self.token.kind {
            TokenKind::Punctuator('[') => {
                Literal::List(self.bracketed(['[', ']'], |parser| parser.value(variables))?.1)
            }
            TokenKind::Punctuator('{') => {
                Literal::Object(self.bracketed(['{', '}'], |parser| parser.member("a field or `}`", variables))?.1)
            }
            TokenKind::Punctuator('$') if variables == Variables::Forbidden => {
                return self.unexpected("a value without variables");
            }
            TokenKind::Punctuator('$') => Literal::Variable(self.variable()?.text),
            TokenKind::Name(name) => {
                let literal = match *name {
                    "null" => Literal::Null,
                    "true" => Literal::Boolean(true),
                    "false" => Literal::Boolean(false),
                    name => Literal::Enum(name),
                };
                self.advance()?;
                literal
            }
            TokenKind::Int(_) | TokenKind::Float(_) | TokenKind::String { .. } => match self.advance()?.kind {
                TokenKind::Int(text) => Literal::Int(text),
                TokenKind::Float(text) => Literal::Float(text),
                TokenKind::String { text, is_block } => Literal::String { text, is_block },
                _ => Literal::Null,
            },
            _ => return self.unexpected("a value"),
        };
        Ok(Value { position, literal })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::DocumentErrorKind;

    fn refusal(text: &str) -> DocumentError {
        parse(text).unwrap_err()
    }

    #[test]
    fn everything_that_a_document_may_contain_is_parsed() {
        let text = r#"
            "An operation." query Q("A variable." $a: [[ID!]!]! = [["x"]] @b(c: [1 2.5 "d" """e""" true null F {g: h}]), $i: J) @k {
                l: m(n: $a, o: {p: [$i]}) @q { r } ...s @t ... on U @v { w } ... @x { y } ... { on: on(on: on) }
            }
            mutation { null: true } subscription Z { query }
            """A fragment.""" fragment s on type @t { fragment }
            fragment query on on { a }
            { a }
        "#;
        let document = parse(text).unwrap();
        assert_eq!((document.operations.len(), document.fragments.len()), (4, 2));
        let names: Vec<_> = document.operations.iter().map(|operation| operation.name.map(|name| name.text)).collect();
        assert_eq!(names, [Some("Q"), None, Some("Z"), None]);
        assert_eq!(document.operations[0].variables[0].ty.named().text, "ID");
    }

    #[test]
    fn a_syntax_error_says_what_was_expected_and_where() {
        for (text, message, line, column) in [
            ("", "Expected an operation such as `{ field }`; found the end of the document.", 1, 1),
            ("# nothing\n", "Expected an operation such as `{ field }`; found the end of the document.", 2, 1),
            ("{", "Expected a field, `...` or `}`; found the end of the document.", 1, 2),
            ("{ }", "Expected a selection between `{` and `}`; found none.", 1, 1),
            ("{ a", "Expected a field, `...` or `}`; found the end of the document.", 1, 4),
            ("{ a() }", "Expected an argument between `(` and `)`; found none.", 1, 4),
            ("{ a(b) }", "Expected `:`; found `)`.", 1, 6),
            ("{ a(b: ) }", "Expected a value; found `)`.", 1, 8),
            ("{ a(b: 'c') }", "A string must be in double quotes; found a single one.", 1, 8),
            ("{ a: }", "Expected the name of a field; found `}`.", 1, 6),
            ("{ ...on }", "Expected the name of a type; found `}`.", 1, 9),
            ("{ ... }", "Expected `{`; found `}`.", 1, 7),
            ("{ a } }", "Expected `query`, `mutation`, `subscription`, `fragment` or `{`; found `}`.", 1, 7),
            ("querry { a }", "Expected `query`, `mutation`, `subscription`, `fragment` or `{`; found `querry`.", 1, 1),
            ("query q", "Expected `{`; found the end of the document.", 1, 8),
            ("query () { a }", "Expected a variable such as `$id: ID!` between `(` and `)`; found none.", 1, 7),
            ("query ($a: []) { a }", "A list has exactly one type, such as `[ID!]`.", 1, 12),
            ("query ($a: A!!) { a }", "Expected `$`; found `!`.", 1, 14),
            ("query ($a: A = $b) { a }", "Expected a value without variables; found `$`.", 1, 16),
            ("query ($a: A = [{b: $b}]) { a }", "Expected a value without variables; found `$`.", 1, 21),
            ("query ($a: A @b(c: $d)) { a }", "Expected a value without variables; found `$`.", 1, 20),
            ("\"text\" { a }", "Expected `query`, `mutation`, `subscription`, `fragment` or `{`; found `{`.", 1, 8),
            ("fragment on on A { a }", "Expected the name of the fragment, which must not be `on`; found `on`.", 1, 10),
            ("fragment a { a }", "Expected `on` and a type; found `{`.", 1, 12),
            ("fragment a($b: C) on D { a }", "Expected `on` and a type; found `(`.", 1, 11),
            ("{ a(b: 01) }", "A number must not begin with 0 and another digit.", 1, 8),
            ("{ é }", "Unexpected character U+00E9.", 1, 3),
            ("{ a ? }", "Unexpected character `?`.", 1, 5),
            ("{ a .. }", "Unexpected character `.`.", 1, 5),
        ] {
            let error = refusal(text);
            assert_eq!((error.message.as_str(), error.kind), (message, DocumentErrorKind::Syntax), "{text}");
            assert_eq!(error.positions, [Pos { line, column }], "{text}");
        }
        assert_eq!(refusal("type A { b: C }").kind, DocumentErrorKind::Validation);
    }

    #[test]
    fn a_long_name_is_not_repeated_whole() {
        let error = refusal(&format!("{{ a(b {}) }}", "x".repeat(10_000)));
        assert!(error.message.len() < 300, "{}", error.message);
    }

    #[test]
    fn nesting_does_not_overflow_the_stack() {
        for (start, bracket) in
            [("", "{a "), ("{", "...{"), ("{a(b:", "["), ("{a(b:", "{c:"), ("{a(b:", "{c:["), ("{a @b(c:", "[[")]
        {
            let text = start.to_owned() + &bracket.repeat(200_000);
            assert_eq!(refusal(&text).kind, DocumentErrorKind::Limit, "{bracket}");
        }
        let types = format!("query($a:{}Int{}){{a}}", "[".repeat(9_000), "]".repeat(9_000));
        assert_eq!(refusal(&types).kind, DocumentErrorKind::Limit);
        let lists = |depth| format!("{{a(b:{}{})}}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(refusal(&lists(99)).kind, DocumentErrorKind::Limit);
        assert!(parse(&lists(98)).is_ok());
        // Closed brackets do not count.
        assert!(parse(&format!("{{ {} }}", "a(b: [[1] [2]]) ".repeat(1_000))).is_ok());
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let brackets = "([{".repeat(500);
        for text in [
            format!("{{a(b:\"{brackets} \\\" {brackets}\")}}"),
            format!("{{a(b:\"\"\"{brackets}\n\\\"\"\" {brackets}\"\"\")}}"),
            format!("# {brackets}\n{{a}}"),
        ] {
            assert!(parse(&text).is_ok(), "{:?}", parse(&text).err());
        }
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_order_of_signs_is_parsed_or_refused(text in "[\\[\\]{}()\"\\\\#a:. \\n$@!=on0-9u-]{0,300}") {
            let _ = parse(&text);
        }
    }
}
