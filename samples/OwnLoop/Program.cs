using System.Globalization;
using Convoy.Distributed.Launch;
using Convoy.Samples.OwnLoop;
using Convoy.Training;

// OwnLoop [FOLDER [EPOCHS [PATIENCE]]], by itself or on several processes: convoy launch --nproc 2 -- dotnet OwnLoop.dll FOLDER. Started again it goes on.
string[] words = [.. args, .. new[] { "checkpoints", "20", "5" }[Math.Min(args.Length, 3)..]];
if (args.Length > 3 || !int.TryParse(words[1], CultureInfo.InvariantCulture, out int epochs) || !int.TryParse(words[2], CultureInfo.InvariantCulture, out int patience) || patience < 1)
{
    Console.Error.WriteLine("usage: OwnLoop [FOLDER [EPOCHS [PATIENCE]]]");
    return 2;
}

return DistributedProgram.Run((group, stop) =>
{
    try
    {
        using var loop = new TrainingLoop(group, patience);
        loop.Run(words[0], epochs, stop);
        stop.ThrowIfCancellationRequested();
        return 0;
    }
    catch (BadInputException error)
    {
        Console.Error.WriteLine($"convoy: error: {error.Message}");
        return 2;
    }
});
