using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.utils.data;

namespace Convoy.Samples.DataParallel;

/// <summary>Training as TorchSharp alone does it. Lay <c>DataParallelTraining.cs</c> beside it: what differs is the manual.</summary>
internal static class SingleProcess
{
    public static void Train(int epochs, int batchSize)
    {
        random.manual_seed(0);
        using var data = new Shapes(2048);
        using var model = new ShapeClassifier();
        using var optimizer = optim.AdamW(model.parameters(), 0.003);

        for (int epoch = 0; epoch < epochs; epoch++)
        {
            using Tensor order = randperm(data.Count, generator: new Generator((ulong)epoch));
            using var loader = DataLoader(data, batchSize, order.data<long>().ToArray());
            double sum = 0;
            foreach (Dictionary<string, Tensor> batch in loader)
            {
                using var scope = NewDisposeScope();
                Tensor loss = nn.functional.cross_entropy(model.call(batch["image"]), batch["class"]);
                loss.backward();
                optimizer.step();
                optimizer.zero_grad();
                sum += loss.item<float>() * batch["class"].shape[0];
            }

            Console.WriteLine(FormattableString.Invariant($"epoch {epoch + 1}: loss {sum / data.Count:0.0000}"));
        }
    }
}
