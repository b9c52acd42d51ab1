namespace Convoy.Tests;

/// <summary>
/// How often the tests repeat what they try. Plainly, as often as shows a fault that is there; with <c>CONVOY_TESTS=all</c> in the
/// environment, as <c>.ci/run</c> sets it, as often as finds a rare one.
/// </summary>
internal static class Repetitions
{
    private const string Variable = "CONVOY_TESTS";

    /// <summary>Whether everything is tried, however long it takes.</summary>
    public static bool All { get; } = Environment.GetEnvironmentVariable(Variable) switch
    {
        null or "" => false,
        "all" => true,
        string other => throw new InvalidOperationException($"{Variable} is neither unset nor 'all' ({other}). Set it to 'all' for the long trials, or unset it."),
    };

    /// <summary>Skips a test that takes long for what it shows, unless everything is tried.</summary>
    public static void RequireAll() => Assert.SkipUnless(All, $"It takes long: set {Variable}=all, as .ci/run does.");

    /// <summary>Skips a case of a test whose other cases show nearly the same, unless everything is tried.</summary>
    /// <param name="shows">Whether this is the case that is always tried.</param>
    public static void RequireAllUnless(bool shows)
    {
        if (!shows)
        {
            RequireAll();
        }
    }

    /// <summary>A number of repetitions: <paramref name="plain"/>, or <paramref name="all"/> when everything is tried.</summary>
    public static int Of(int plain, int all) => All ? all : plain;
}
