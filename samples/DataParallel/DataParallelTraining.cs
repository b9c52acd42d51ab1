using Convoy.Distributed;
using Convoy.Distributed.Data;
using Convoy.Distributed.Nn;
using TorchSharp;
using static TorchSharp.torch;

namespace Convoy.Samples.DataParallel;

/// <summary>The same training on many processes, each of which runs this. Lay <c>SingleProcess.cs</c> beside it.</summary>
internal static class DataParallelTraining
{
    public static void Train(int epochs, int batchSize)
    {
        random.manual_seed(0);
        var data = new Shapes(2048);
        using ProcessGroup group = ProcessGroups.FromEnvironment(); // 1. Who else trains. One process when nobody started more.
        using var model = new DistributedDataParallel<Tensor, Tensor>(SyncBatchNorm.Convert(new ShapeClassifier(), group), group); // 2. A replica on each.
        using var optimizer = optim.AdamW(model.parameters(), 0.003);
        var sampler = new DistributedSampler(data.Count, group, shuffle: true, seed: 0); // 3. Each its own part of the data,
        for (int epoch = 0; epoch < epochs; epoch++)
        {
            sampler.Epoch = epoch; //    in another order each epoch.
            double sum = 0;
            foreach (int[] indices in sampler.Indices().Chunk(batchSize / group.Size)) // 4. The global batch stays what it was.
            {
                using var scope = NewDisposeScope();
                (Tensor images, Tensor classes) = data.Batch(indices);
                Tensor loss = nn.functional.cross_entropy(model.call(images), classes);
                model.Backward(loss); // 5. Backward, and the mean of all gradients.
                optimizer.step();
                model.ZeroGrad();
                sum += loss.item<float>() * indices.Length;
            }

            using Tensor mean = tensor(sum / sampler.Count);
            group.AllReduce(mean, ReduceOp.Average);
            if (group.Rank == 0)
            {
                Console.WriteLine(FormattableString.Invariant($"epoch {epoch + 1}: loss {mean.item<double>():0.0000} ({group.Size} processes)"));
            }
        }
    }
}
