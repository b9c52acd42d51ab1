using System.Text.RegularExpressions;

namespace Convoy.Architecture.Tests;

/// <summary>What every file of tests keeps to.</summary>
public sealed partial class TestFileTests
{
    /// <summary><c>.ci/run</c> finds by this trait what the plain test command repeats less often.</summary>
    [Fact]
    public void Trait_OfTestsThatRepeat_SaysSo() => Assert.Empty(
        from file in Repository.TestFiles
        let text = Repository.Text(file)
        where Test().IsMatch(text) && Repeating().IsMatch(text) && !text.Contains("[Trait(\"Repeats\", \"more\")]", StringComparison.Ordinal)
        select file);

    [GeneratedRegex(@"^ *\[(Fact|Theory)\b", RegexOptions.Multiline)]
    private static partial Regex Test();

    [GeneratedRegex(@"\bRepetitions\.|\bWorkerProcesses\.RunShared")]
    private static partial Regex Repeating();
}
