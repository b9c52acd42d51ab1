using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace Convoy.Docs.Tests.Snippets;

/// <summary>Compiles C# as <c>dotnet build</c> does for a new console program that refers to Convoy's packages: implicit usings, nullable reference types, every warning counts.</summary>
internal static class SnippetCompiler
{
    private const string ImplicitUsings = """
        global using System;
        global using System.Collections.Generic;
        global using System.IO;
        global using System.Linq;
        global using System.Net.Http;
        global using System.Threading;
        global using System.Threading.Tasks;
        """;

    private static readonly CSharpParseOptions Parsing = new(LanguageVersion.Latest);
    private static readonly SyntaxTree Usings = CSharpSyntaxTree.ParseText(ImplicitUsings, Parsing);

    // What this process may load: the framework, TorchSharp and the libraries of Convoy, by their references in the project file.
    private static readonly MetadataReference[] References =
    [
        .. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(path => !Path.GetFileName(path).StartsWith("xunit.", StringComparison.Ordinal)).Select(path => MetadataReference.CreateFromFile(path)),
    ];

    /// <returns>Errors and warnings, a line each; none when the program compiles.</returns>
    public static IReadOnlyList<string> Diagnose(IEnumerable<(string Name, string Text)> files)
    {
        SyntaxTree[] trees = [Usings, .. files.Select(file => CSharpSyntaxTree.ParseText(file.Text, Parsing, file.Name))];
        bool isProgram = trees.Any(tree => tree.GetRoot().ChildNodes().Any(node => node is Microsoft.CodeAnalysis.CSharp.Syntax.GlobalStatementSyntax));
        var options = new CSharpCompilationOptions(
            isProgram ? OutputKind.ConsoleApplication : OutputKind.DynamicallyLinkedLibrary,
            nullableContextOptions: NullableContextOptions.Enable,
            specificDiagnosticOptions: [KeyValuePair.Create("CS1701", ReportDiagnostic.Suppress), KeyValuePair.Create("CS1702", ReportDiagnostic.Suppress)]); // as the SDK does
        CSharpCompilation compilation = CSharpCompilation.Create("Snippet", trees, References, options);
        return
        [
            .. compilation.GetDiagnostics().Where(found => found.Severity >= DiagnosticSeverity.Warning)
                .Select(found => string.Create(CultureInfo.InvariantCulture, $"{Where(found.Location)}: {found.Id}: {found.GetMessage(CultureInfo.InvariantCulture)}")),
        ];
    }

    // A part of a file has a #line with its page and counts its own lines.
    private static string Where(Location location)
    {
        FileLinePositionSpan span = location.GetMappedLineSpan();
        return string.Create(CultureInfo.InvariantCulture, $"{span.Path}, line {span.StartLinePosition.Line + 1} of the block");
    }
}
