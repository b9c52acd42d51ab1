using System.Text.Json.Nodes;
using Convoy.Training.Loading;
using Convoy.Training.Options;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Training.Tasks;

/// <summary>
/// What Convoy has to know to train a model of yours: its data, the model, and its loss. Everything else, processes, precision, checkpoints, resuming, studies and
/// tuning, comes with it. Three members are needed; the others have defaults, and a class that declares a member of the same shape replaces one.
/// </summary>
/// <remarks>
/// A task whose data is drawn or downloaded first, or whose settings need more checks than ranges, implements <see cref="ITaskPreparation"/> as well.
/// Settings of its own are properties with an <see cref="OptionAttribute"/>; they are set before any member is called. Every process makes a task of its own, so
/// what the members do has to follow from the context and the settings alone.
/// </remarks>
/// <typeparam name="TModel">The model: plain TorchSharp, with inputs of any number and type.</typeparam>
/// <typeparam name="TBatch">A batch; disposed after its step.</typeparam>
public interface ITrainingTask<TModel, TBatch>
    where TModel : nn.Module
    where TBatch : IDisposable
{
    /// <summary>Opens the training data. The trainer takes batches of <see cref="TrainingContext.LocalBatchSize"/> samples from it, in the order of a <c>DistributedSampler</c>.</summary>
    /// <param name="context">The process that asks.</param>
    /// <returns>The batches; the trainer's to dispose.</returns>
    IBatchSource<TBatch> OpenData(TrainingContext context);

    /// <summary>Makes the model, with weights from torch's random generator, which is seeded alike on all ranks. Convoy replaces its batch norms and convolutions by faster ones that compute the same.</summary>
    /// <param name="context">The process that asks.</param>
    TModel CreateModel(TrainingContext context);

    /// <summary>Runs the model on a batch, on this rank's share of a step.</summary>
    /// <param name="model">The model of <see cref="CreateModel"/>, under autocast where the run's precision asks for it.</param>
    /// <param name="batch">The batch.</param>
    /// <returns>A scalar: the mean of the samples' losses, which the trainer weighs by the rank's share of the batch.</returns>
    Tensor Loss(TModel model, TBatch batch);

    /// <summary>The object whose properties with an <see cref="OptionAttribute"/> are the task's settings. Default: the task itself.</summary>
    object Settings => this;

    /// <summary>The settings of a run where the command line says nothing. Default: those of <see cref="TrainingOptions"/>.</summary>
    TrainingOptions Defaults => new();

    /// <summary>What a sample is called in the singular, in reports. Default "sample".</summary>
    string SampleNoun => "sample";

    /// <summary>A batch to measure steps with when data is to cost nothing (<c>bench step</c>). Default null: the first batch of the data.</summary>
    /// <param name="context">The process that asks.</param>
    TBatch? CreateSyntheticBatch(TrainingContext context) => default;

    /// <summary>The optimizer, over the model's parameters in their order. Default null: AdamW, fused where the run's settings say so.</summary>
    /// <param name="model">The model.</param>
    /// <param name="context">The process that asks.</param>
    optim.Optimizer? CreateOptimizer(TModel model, TrainingContext context) => null;

    /// <summary>The learning rate of each update. Default: a linear warm-up, then half a cosine down to 0.</summary>
    /// <param name="options">The run's settings.</param>
    /// <param name="updates">Updates of the whole schedule; at least 1.</param>
    ILearningRateSchedule CreateSchedule(TrainingOptions options, long updates) => WarmupCosine.Create(options, updates);

    /// <summary>Measures the model on held-out data. All ranks call it together, each with a share of the data, see <see cref="TrainingContext.Share"/>. Default null: there is none.</summary>
    /// <param name="model">The model in evaluation mode, without gradients, in the run's precision.</param>
    /// <param name="context">The process that asks.</param>
    MetricTotals? Evaluate(TModel model, TrainingContext context) => null;

    /// <summary>Whether <see cref="Evaluate"/> is called after the last step also where no interval is set. Default true.</summary>
    bool EvaluatesAtEnd => true;

    /// <summary>The metric of <see cref="Evaluate"/> by which a checkpoint is the best, and kept. Default null: none is kept for being the best.</summary>
    MetricGoal? Best => null;

    /// <summary>What the task keeps in a checkpoint's <c>state.json</c>, to know the model again. Default null: nothing.</summary>
    JsonObject? CheckpointState => null;

    /// <summary>Writes what the task leaves behind at the run's end, on rank 0, beside the checkpoints. Default: nothing.</summary>
    /// <param name="model">The trained model, in evaluation mode.</param>
    /// <param name="context">The process that asks.</param>
    void WriteResults(TModel model, TrainingContext context)
    {
    }
}
