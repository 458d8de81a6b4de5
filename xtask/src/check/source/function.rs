//! The measures of one function: lines of code, arguments, nesting. Pure.

use syn::visit::{self, Visit};
use syn::{Block, Expr, ExprIf, Signature, spanned::Spanned as _};

/// One function.
#[derive(Debug)]
pub(in crate::check) struct Function {
    pub(in crate::check) name: String,
    pub(in crate::check) line: usize,
    /// Lines of its body with code on them.
    pub(in crate::check) lines: usize,
    /// Zero where a trait dictates them.
    pub(in crate::check) arguments: usize,
    /// Blocks within blocks; those of the body itself have depth one.
    pub(in crate::check) nesting: usize,
}

/// All functions with a body, nested ones too. What macros make is not seen.
pub(in crate::check) fn functions(file: &syn::File, text: &str) -> Vec<Function> {
    let mut functions = Functions { lines: text.lines().collect(), in_trait_impl: false, found: Vec::new() };
    functions.visit_file(file);
    functions.found
}

struct Functions<'a> {
    lines: Vec<&'a str>,
    in_trait_impl: bool,
    found: Vec<Function>,
}

impl Functions<'_> {
    fn add(&mut self, signature: &Signature, body: &Block) {
        let mut depth = Depth::default();
        body.stmts.iter().for_each(|statement| depth.visit_stmt(statement));
        self.found.push(Function {
            name: signature.ident.to_string(),
            line: signature.span().start().line,
            lines: self.code_lines(body),
            arguments: if self.in_trait_impl { 0 } else { signature.inputs.len() },
            nesting: depth.most,
        });
    }

    fn code_lines(&self, body: &Block) -> usize {
        let (first, last) = (body.brace_token.span.open().start().line, body.brace_token.span.close().start().line);
        let within = self.lines.iter().take(last.saturating_sub(1)).skip(first);
        within.map(|line| line.trim()).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let outer = std::mem::replace(&mut self.in_trait_impl, item.trait_.is_some());
        visit::visit_item_impl(self, item);
        self.in_trait_impl = outer;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        // A function within a method is nobody's implementation.
        let outer = std::mem::replace(&mut self.in_trait_impl, false);
        self.add(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
        self.in_trait_impl = outer;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.add(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }
}

/// How deep blocks are within blocks. An `else if` is as deep as its `if`; the arms of a `match` are one deeper than it, with braces or without.
#[derive(Default)]
struct Depth {
    now: usize,
    most: usize,
}

impl Depth {
    fn within(&mut self, inner: impl FnOnce(&mut Self)) {
        self.now += 1;
        self.most = self.most.max(self.now);
        inner(self);
        self.now -= 1;
    }

    fn chain(&mut self, link: &ExprIf) {
        self.visit_expr(&link.cond);
        self.visit_block(&link.then_branch);
        if let Some((_, rest)) = &link.else_branch {
            self.visit_expr(rest);
        }
    }
}

impl<'ast> Visit<'ast> for Depth {
    fn visit_block(&mut self, block: &'ast Block) {
        self.within(|depth| visit::visit_block(depth, block));
    }

    fn visit_expr_if(&mut self, link: &'ast ExprIf) {
        self.chain(link);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Some((_, guard)) = &arm.guard {
            self.visit_expr(guard);
        }
        match &*arm.body {
            Expr::Block(block) => self.visit_block(&block.block),
            body => self.within(|depth| depth.visit_expr(body)),
        }
    }

    // Items within a function are measured on their own.
    fn visit_item(&mut self, _: &'ast syn::Item) {}
}
