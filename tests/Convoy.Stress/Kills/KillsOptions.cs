using System.Globalization;

namespace Convoy.Stress.Kills;

/// <summary>What the verb <c>kills</c> is asked for.</summary>
/// <param name="Count">Kills to deliver, at least 1.</param>
/// <param name="Seed">The seed of the first trial; each further one adds 1.</param>
/// <param name="Processes">Processes of the runs, by turns.</param>
/// <param name="AimCheckpoints">The share of kills that are aimed into a checkpoint's writing, 0 to 1.</param>
internal sealed record KillsOptions(int Count, int Seed, IReadOnlyList<int> Processes, double AimCheckpoints)
{
    /// <summary>How the verb is called.</summary>
    public const string Usage = "kills [--count 200] [--seed 0] [--processes 1,2] [--aim-checkpoints 0.25]   kills training runs and resumes them";

    /// <summary>Reads the options; null when they are none.</summary>
    public static KillsOptions? Parse(string[] arguments)
    {
        var options = new KillsOptions(200, 0, [1, 2], 0.25);
        for (int i = 0; i < arguments.Length; i += 2)
        {
            string? value = i + 1 < arguments.Length ? arguments[i + 1] : null;
            KillsOptions? with = arguments[i] switch
            {
                "--count" when Whole(value) is > 0 and { } count => options with { Count = count },
                "--seed" when Whole(value) is { } seed => options with { Seed = seed },
                "--processes" when value?.Split(',').Select(Whole).ToArray() is { } each && each.All(number => number > 0) => options with { Processes = [.. each.Select(number => number!.Value)] },
                "--aim-checkpoints" when double.TryParse(value, CultureInfo.InvariantCulture, out double share) && share is >= 0 and <= 1 => options with { AimCheckpoints = share },
                _ => null,
            };
            if (with is null)
            {
                return null;
            }

            options = with;
        }

        return options;
    }

    private static int? Whole(string? text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
}
