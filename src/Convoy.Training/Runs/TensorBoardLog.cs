using Convoy.Metrics;
using TorchSharp.Modules;
using static TorchSharp.torch.utils;

namespace Convoy.Training.Runs;

/// <summary>What TensorBoard shows of a run: loss, learning rate, images a second and the share of time spent waiting, by step.</summary>
public sealed class TensorBoardLog
{
    private readonly SummaryWriter _writer;

    /// <param name="directory">The folder of the event file; made when absent.</param>
    public TensorBoardLog(string directory)
    {
        _writer = tensorboard.SummaryWriter(directory, createRunName: false);
    }

    /// <summary>Adds a step.</summary>
    public void Add(StepMetrics step)
    {
        int at = (int)step.Step;
        _writer.add_scalar("train/loss", (float)step.Loss, at);
        _writer.add_scalar("train/learning_rate", (float)step.LearningRate, at);
        if (step.StepTime is > 0 and double seconds)
        {
            _writer.add_scalar("speed/images_per_second", (float)(step.BatchSize / seconds), at);
            _writer.add_scalar("speed/waiting_share", (float)(((step.DataTime ?? 0) + (step.WaitTime ?? 0)) / seconds), at);
        }
    }
}
