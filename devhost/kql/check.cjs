// Microsoft's parser on queries: reads lines of JSON from stdin, answers each by one.
//
// In: {"tables": {table: {column: type}}, "queries": [{"name", "text"}, ...]}.
// Out: {"checked": [...]}, for each query its name, the diagnostics, the columns it
// returns, the tables it reads, the values of the strings in its `let` statements by the
// names they are given, those of the names that mean a column somewhere, and the operator
// that it ends in. Or {"error": text}, where the package itself failed.
"use strict";

// The package was made for browsers.
global.window = global;
require("@kusto/language-service-next/bridge.min.js");
require("@kusto/language-service-next/Kusto.Language.Bridge.min.js");
const { Kusto } = global;
const { Symbols, Syntax } = Kusto.Language;

function globals(tables) {
  const symbols = Object.entries(tables).map(([name, columns]) => {
    const listed = Object.entries(columns).map(([column, type]) => `['${column}']:${type}`);
    return new Symbols.TableSymbol.$ctor7(name, `(${listed.join(", ")})`, null);
  });
  const database = new Symbols.DatabaseSymbol.ctor("workspace", symbols);
  return Kusto.Language.GlobalState.Default.WithDatabase(database);
}

// Lists of the package are of .NET's kinds, or arrays.
function listed(found) {
  if (Array.isArray(found)) return found;
  return Array.from({ length: found.Count }, (_, place) => found.getItem(place));
}

function below(root) {
  const found = [root];
  for (let at = 0; at < found.length; at++) {
    for (let place = 0; place < found[at].ChildCount; place++) {
      const child = found[at].GetChild(place);
      if (child !== null) found.push(child);
    }
  }
  return found;
}

// The values of the strings in an expression.
function given(expression) {
  const found = [];
  for (const node of below(expression)) {
    if (node.Kind === Syntax.SyntaxKind.StringLiteralExpression) found.push(node.LiteralValue);
  }
  return found;
}

function checked({ name, text }, state) {
  const code = Kusto.Language.KustoCode.ParseAndAnalyze(text, state);
  const diagnostics = listed(code.GetDiagnostics()).map((each) => ({
    severity: each.Severity,
    code: each.Code,
    line: text.slice(0, each.Start).split("\n").length,
    at: text.substr(each.Start, Math.min(each.Length, 80)),
    message: each.Message,
  }));
  const tables = new Set();
  const named = new Set();
  const strings = {};
  for (const node of below(code.Syntax)) {
    const symbol = node.ReferencedSymbol;
    if (symbol instanceof Symbols.TableSymbol && node instanceof Syntax.NameReference) {
      if (symbol.Name) tables.add(symbol.Name);
    }
    if (symbol instanceof Symbols.ColumnSymbol && node instanceof Syntax.NameReference) {
      named.add(symbol.Name);
    }
    if (node instanceof Syntax.LetStatement) {
      strings[node.Name.SimpleName] = given(node.Expression);
    }
  }
  const result = code.ResultType;
  const columns =
    result && result.Columns
      ? listed(result.Columns).map((each) => ({ name: each.Name, type: each.Type.Name }))
      : [];
  return {
    name,
    diagnostics,
    columns,
    tables: [...tables].sort(),
    strings,
    shadowed: Object.keys(strings).filter((each) => named.has(each)),
    ends: last(code.Syntax),
  };
}

// The text of the last operator of the query's own pipe.
function last(block) {
  const statements = listed(block.Statements);
  const statement = statements.length ? statements[statements.length - 1].Element$1 : null;
  const expression = statement && statement.Expression;
  return expression && expression.Operator ? expression.Operator.toString().trim() : "";
}

function answered(line) {
  try {
    const asked = JSON.parse(line.toString());
    const state = globals(asked.tables);
    return { checked: asked.queries.map((query) => checked(query, state)) };
  } catch (error) {
    return { error: String(error.stack) };
  }
}

// Not by node:readline, for which a line ends in other places too.
let rest = Buffer.alloc(0);
process.stdin.on("data", (chunk) => {
  rest = Buffer.concat([rest, chunk]);
  for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
    process.stdout.write(JSON.stringify(answered(rest.subarray(0, end))) + "\n");
    rest = rest.subarray(end + 1);
  }
});
