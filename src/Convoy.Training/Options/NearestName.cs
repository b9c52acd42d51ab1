namespace Convoy.Training.Options;

/// <summary>Finds the name that somebody who mistyped one probably meant. System.CommandLine has suggestions too, but on lines of their own and for its options only; this is for settings in files, and part of the one line.</summary>
public static class NearestName
{
    /// <summary>The name with the fewest edits from <paramref name="typed"/>; null when none is near enough to be a slip.</summary>
    public static string? Find(string typed, IEnumerable<string> names)
    {
        (string Name, int Edits)? best = null;
        foreach (string name in names)
        {
            int edits = name.StartsWith(typed, StringComparison.OrdinalIgnoreCase) ? 1 : Edits(typed.ToLowerInvariant(), name);
            if (best is null || edits < best.Value.Edits)
            {
                best = (name, edits);
            }
        }

        int slips = Math.Max(1, typed.Trim('-').Length / 3);
        return best is { } found && found.Edits <= slips ? found.Name : null;
    }

    // Levenshtein's distance with neighbours swapped counted as one edit (optimal string alignment).
    private static int Edits(string a, string b)
    {
        var table = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    table[i, j] = i + j;
                    continue;
                }

                int change = table[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                table[i, j] = Math.Min(change, Math.Min(table[i - 1, j], table[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
                }
            }
        }

        return table[a.Length, b.Length];
    }
}
