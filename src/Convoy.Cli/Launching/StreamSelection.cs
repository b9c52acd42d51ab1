using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Training;

namespace Convoy.Cli.Launching;

/// <summary>
/// Which streams of which processes, in torchrun's form: 0 none, 1 standard output, 2 standard error, 3 both, for all
/// processes, or a list such as <c>0:3,1:2</c> by local rank, where those that are not listed have none.
/// </summary>
internal sealed class StreamSelection
{
    private readonly int _all;
    private readonly Dictionary<int, int> _byLocalRank = [];

    private StreamSelection(int all) => _all = all;

    /// <summary>Reads the value of <paramref name="option"/>.</summary>
    /// <exception cref="BadInputException">It is of neither form.</exception>
    public static StreamSelection Parse(string option, string text)
    {
        if (Number(text, 3) is int all)
        {
            return new StreamSelection(all);
        }

        var selection = new StreamSelection(0);
        foreach (string entry in text.Split(','))
        {
            string[] parts = entry.Split(':');
            if (parts.Length != 2 || Number(parts[0], int.MaxValue) is not int rank || Number(parts[1], 3) is not int streams || !selection._byLocalRank.TryAdd(rank, streams))
            {
                throw new BadInputException($"{option} is no selection of streams", text, "Give 0 (none), 1 (standard output), 2 (standard error) or 3 (both), or a list by local rank such as 0:3,1:2.");
            }
        }

        return selection;
    }

    /// <summary>Whether a stream of a local rank is selected.</summary>
    public bool Has(int localRank, WorkerOutputStream stream)
    {
        int bit = stream == WorkerOutputStream.Output ? 1 : 2;
        return (_byLocalRank.GetValueOrDefault(localRank, _all) & bit) != 0;
    }

    private static int? Number(string text, int most) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= most ? number : null;
}
