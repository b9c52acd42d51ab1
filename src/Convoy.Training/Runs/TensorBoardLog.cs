using Convoy.Metrics;
using TorchSharp.Modules;
using static TorchSharp.torch.utils;

namespace Convoy.Training.Runs;

/// <summary>What TensorBoard shows of a run, by step: loss, learning rate, samples a second, the share of time spent waiting, and the metrics of evaluations.</summary>
public sealed class TensorBoardLog
{
    private readonly SummaryWriter _writer;
    private readonly string _speed;

    /// <param name="directory">The folder of the event file; made when absent.</param>
    /// <param name="sampleNoun">What a sample is called, in the singular.</param>
    public TensorBoardLog(string directory, string sampleNoun)
    {
        _speed = $"speed/{sampleNoun}s_per_second";
        _writer = tensorboard.SummaryWriter(directory, createRunName: false);
    }

    /// <summary>Adds a step.</summary>
    public void Add(StepMetrics step)
    {
        int at = (int)step.Step;
        _writer.add_scalar("train/loss", (float)step.Loss, at);
        if (step.LearningRate is { } rate)
        {
            _writer.add_scalar("train/learning_rate", (float)rate, at);
        }

        if (step.StepTime is > 0 and double seconds)
        {
            _writer.add_scalar(_speed, (float)(step.BatchSize / seconds), at);
            _writer.add_scalar("speed/waiting_share", (float)(((step.DataTime ?? 0) + (step.WaitTime ?? 0)) / seconds), at);
        }

        foreach ((string name, double value) in step.Evaluation ?? new Dictionary<string, double>())
        {
            _writer.add_scalar($"evaluation/{name}", (float)value, at);
        }
    }
}
