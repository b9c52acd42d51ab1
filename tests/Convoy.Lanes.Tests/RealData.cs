namespace Convoy.Lanes.Tests;

/// <summary>Finds the real TuSimple files, which are no part of the repository; a test that needs an absent one is skipped.</summary>
internal static class RealData
{
    /// <summary>The full path of a file below the data folder: that of CONVOY_TEST_DATA, or <c>../shared/data</c> beside the repository or one of its parents.</summary>
    public static string Require(params string[] relative)
    {
        foreach (string root in Roots())
        {
            string path = Path.Combine([root, .. relative]);
            if (Path.Exists(path))
            {
                return path;
            }
        }

        Assert.Skip($"{Path.Combine(relative)} is not in ../shared/data or $CONVOY_TEST_DATA.");
        throw new InvalidOperationException("Skipping ends the test.");
    }

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable("CONVOY_TEST_DATA") is { Length: > 0 } named)
        {
            yield return named;
            yield break;
        }

        bool inRepository = false;
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            inRepository |= File.Exists(Path.Combine(folder.FullName, "Convoy.slnx"));
            if (inRepository && folder.Parent is { } parent)
            {
                yield return Path.Combine(parent.FullName, "shared", "data");
            }
        }
    }
}
