using System.Globalization;
using Convoy.Training.Options;

namespace Convoy.Training.Programs;

/// <summary>What a resumed run does otherwise than before, where that changes what it computes.</summary>
internal static class ResumeChanges
{
    /// <summary>Says what changes, a line each.</summary>
    /// <param name="before">The settings up to now.</param>
    /// <param name="now">The settings from here on.</param>
    /// <param name="sampleNoun">What a sample is called.</param>
    public static IEnumerable<string> Describe(TrainingOptions before, TrainingOptions now, string sampleNoun)
    {
        if (before.PeakLr != now.PeakLr)
        {
            yield return $"learning rate {Text(before.PeakLr)} -> {Text(now.PeakLr)}";
        }

        if (before.Nproc != now.Nproc)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"processes {before.Nproc} -> {now.Nproc}: from here on the run is equal to rounding only, not to the bit");
        }

        if (before.Fuse != now.Fuse)
        {
            yield return $"--fuse {before.Fuse} -> {now.Fuse}: from here on the run is equal to rounding only, not to the bit";
        }

        if (before.BatchSize != now.BatchSize)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"batch {before.BatchSize} -> {now.BatchSize} {sampleNoun}s: step numbers count other batches from here on, so {sampleNoun}s of the epoch may be seen twice or not at all");
        }

        if ((long)before.BatchSize * before.Accumulate != (long)now.BatchSize * now.Accumulate)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"{sampleNoun}s of an update {(long)before.BatchSize * before.Accumulate} -> {(long)now.BatchSize * now.Accumulate} (--batch-size x --accumulate)");
        }
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
