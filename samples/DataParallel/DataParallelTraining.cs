using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.utils.data;

namespace Convoy.Samples.DataParallel;

/// <summary>The same training on many processes, each of which runs this. Lay <c>SingleProcess.cs</c> beside it.</summary>
internal static class DataParallelTraining
{
    /// <param name="group">1. Who else trains. One process when nobody started more.</param>
    public static void Train(ProcessGroup group, int epochs, int batchSize)
    {
        group.Seed(0);
        using var data = new Shapes(2048);
        using var model = new DistributedDataParallel<Tensor, Tensor>(SyncBatchNorm.Convert(new ShapeClassifier(), group), group); // 2. A replica on each.
        using var optimizer = optim.AdamW(model.parameters(), 0.003);
        var sampler = new DistributedSampler(data.Count, group, shuffle: true, seed: 0); // 3. Each its own part of the data,
        using var loader = DataLoader(data, batchSize / group.Size, sampler); //    and its part of the global batch.
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            sampler.Epoch = epoch; // 4. Another order in each epoch.
            double sum = 0;
            foreach (Dictionary<string, Tensor> batch in loader)
            {
                using var scope = NewDisposeScope();
                Tensor loss = nn.functional.cross_entropy(model.call(batch["image"]), batch["class"]);
                model.Backward(loss); // 5. Backward, and the mean of all gradients.
                optimizer.step();
                model.ZeroGrad();
                sum += loss.item<float>() * batch["class"].shape[0];
            }

            using Tensor mean = tensor(sum / sampler.Count);
            group.AllReduce(mean, ReduceOp.Average);
            group.Print(FormattableString.Invariant($"epoch {epoch + 1}: loss {mean.item<double>():0.0000} ({group.Size} processes)"));
        }
    }
}
