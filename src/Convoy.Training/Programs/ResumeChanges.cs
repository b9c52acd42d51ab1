using System.Globalization;

namespace Convoy.Training.Programs;

/// <summary>What a resumed run does otherwise than before, where that changes what it computes.</summary>
internal static class ResumeChanges
{
    /// <summary>Says what changes, a line each.</summary>
    /// <param name="before">The settings up to now.</param>
    /// <param name="now">The settings from here on.</param>
    /// <param name="heldOutBefore">Frames that were held out; null when their data is gone.</param>
    /// <param name="heldOutNow">Frames that are held out from here on.</param>
    public static IEnumerable<string> Describe(TrainingOptions before, TrainingOptions now, int? heldOutBefore, int heldOutNow)
    {
        if (before.PeakLr != now.PeakLr)
        {
            string scaling = before.Lr == now.Lr && before.ScaleLr && now.ScaleLr
                ? string.Create(CultureInfo.InvariantCulture, $": --scale-lr multiplies {now.Lr} by the processes. Give --no-scale-lr --lr {before.PeakLr} to keep it")
                : string.Empty;
            yield return $"learning rate {Text(before.PeakLr)} -> {Text(now.PeakLr)}{scaling}";
        }

        if (before.Nproc != now.Nproc)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"processes {before.Nproc} -> {now.Nproc}: from here on the run is equal to rounding only, not to the bit");
        }

        if (before.BatchSize != now.BatchSize)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"batch {before.BatchSize} -> {now.BatchSize} images: step numbers count other batches from here on, so frames of the epoch may be seen twice or not at all");
        }

        if ((long)before.BatchSize * before.Accumulate != (long)now.BatchSize * now.Accumulate)
        {
            yield return string.Create(CultureInfo.InvariantCulture, $"images of an update {(long)before.BatchSize * before.Accumulate} -> {(long)now.BatchSize * now.Accumulate} (--batch-size x --accumulate)");
        }

        if (before.Data != now.Data || before.Val != now.Val || before.ValSplit != now.ValSplit)
        {
            string was = heldOutBefore is { } frames ? frames.ToString(CultureInfo.InvariantCulture) : "?";
            yield return string.Create(CultureInfo.InvariantCulture, $"held-out frames {was} -> {heldOutNow}: the run is scored on others than before, among them perhaps frames that it has trained on");
        }
    }

    private static string Text(double value) => value.ToString(CultureInfo.InvariantCulture);
}
