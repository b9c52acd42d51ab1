namespace Convoy.Stress.Kills;

/// <summary>Sees from outside when a run writes, replaces or deletes a checkpoint.</summary>
/// <param name="run">The run directory, which may be absent.</param>
internal sealed class CheckpointWatch(string run)
{
    private readonly string _folder = Path.Combine(run, "checkpoints");

    /// <summary>Whether a hidden folder is there.</summary>
    public bool IsWriting()
    {
        try
        {
            return Directory.EnumerateDirectories(_folder, ".step-*").Any();
        }
        catch (IOException)
        {
            // There are no checkpoints yet.
            return false;
        }
    }
}
