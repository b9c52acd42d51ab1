using System.Security.Cryptography;
using Convoy.Training.Checkpoints;
using Convoy.Training.Runs;
using Convoy.Torch.Serialization;
using TorchSharp;

namespace Convoy.Training.Tests.Runs;

/// <summary>What each checkpoint of a run held, noted as it is written: a run that keeps them all would fill the disk.</summary>
internal sealed class UpdateRecord(Func<Checkpoint> newest) : IProgress<TrainingEvent>
{
    public List<Update> Seen { get; } = [];

    public void Report(TrainingEvent value)
    {
        Checkpoint checkpoint = newest();
        if (value.Checkpoint is null || Seen.Any(update => update.Step == checkpoint.State.Step))
        {
            return;
        }

        Seen.Add(new Update(
            checkpoint.State.Step,
            checkpoint.State.GradScaler!["scale"],
            checkpoint.State.GradScaler["_growth_tracker"],
            Hash(Path.Combine(checkpoint.Folder, "optimizer.safetensors"), _ => true),
            Hash(checkpoint.ModelFile, name => name.EndsWith("weight", StringComparison.Ordinal) || name.EndsWith("bias", StringComparison.Ordinal))));
    }

    private static string Hash(string file, Func<string, bool> isMeant)
    {
        using var scope = torch.NewDisposeScope();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string _, torch.Tensor values) in SafetensorsFile.Read(file).Where(entry => isMeant(entry.Key)).OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            hash.AppendData(values.contiguous().bytes);
        }

        return Convert.ToHexString(hash.GetCurrentHash());
    }

    /// <param name="Step">The step after which it was written.</param>
    /// <param name="Scale">The scaler's scale.</param>
    /// <param name="Good">Its good updates in a row.</param>
    /// <param name="Optimizer">The hash of the optimizer's state.</param>
    /// <param name="Parameters">The hash of the parameters, without running statistics, which every forward pass changes.</param>
    internal sealed record Update(long Step, double Scale, double Good, string Optimizer, string Parameters);
}
